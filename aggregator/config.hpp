// The aggregator's configuration file, read whole before anything starts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aggregator/core/alerts.hpp"
#include "aggregator/http/local_users.hpp"
#include "aggregator/power/line_config.hpp"
#include "aggregator/power/power_settings.hpp"
#include "common/base/lease.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator {

struct DaemonConfig {
  std::string cluster = "bramble";
  std::string state_dir = "/var/lib/bramble/aggregator";
  std::string api_socket = "/run/bramble/api.sock";
  http::AccessLists access;   // of the users of this machine
  std::string tcp_listen;     // "127.0.0.1:8737"; empty: no TCP
  std::string tls_cert_file;  // for TCP; needed beyond loopback
  std::string tls_key_file;
  std::string token_file;  // an operator's token, beside those that are given out; empty: none
  std::vector<std::string>
      host_names;               // by which TCP requests may call this machine, beside its addresses and own name
  std::string broker_url;       // empty: a Mosquitto of its own
  std::string node_listen;      // "0.0.0.0:8883": there its own broker lets nodes in, with TLS; empty: loopback only
  std::string node_broker_url;  // how nodes reach the broker; empty: by this machine's name and addresses
  int64_t certificate_days = 730;
  std::string broker_user;
  std::string broker_password_file;
  std::vector<AlertRule> alerts;
  std::string alert_command;   // run when an alert is raised or cleared; empty: none
  std::string home_assistant;  // its discovery prefix, usually "homeassistant"; empty: nothing is announced
  int64_t telemetry_commit_s = 10;
  int64_t telemetry_raw_days = 7;  // how long readings are kept, and what they become; 0: for ever
  int64_t telemetry_minute_days = 90;
  int64_t telemetry_hour_days = 3650;
  int64_t telemetry_other_metrics = 100;  // so many that bramble does not know are stored
  int64_t telemetry_node_hz = 50;         // what a node sends beyond is dropped
  bool telemetry_trust_clock = false;     // purge though the kernel does not say that the clock is synchronised
  uint64_t blob_quota_bytes = uint64_t{16} << 30;
  int64_t keep_jobs_days = 30;  // after their end; 0: for ever
  int64_t keep_jobs = 10'000;   // so many ended ones; 0: any number
  int64_t silent_ms = 3000;
  int64_t loss_ms = 5000;
  int64_t lease_ms = kDefaultLeaseMs;
  std::vector<LineConfig> lines;  // their order is their LineIndex
  PowerConfig power;              // as read_power_settings() leaves it
};

// Unknown keys and wrong types are errors that name the line and, for a key, the nearest known one.
Result<DaemonConfig> read_config(const std::string& path);

}  // namespace bramble::aggregator
