#include "aggregator/config.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "aggregator/alert_rules.hpp"
#include "aggregator/joining.hpp"
#include "common/base/ids.hpp"
#include "common/mqtt/broker_address.hpp"
#include "common/posix/config_file.hpp"
#include "common/wire/messages.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kBeatMs = wire::Welcome{}.beat_ms;

// Devices that are gone are looked for under any prefix of one level or two. Empty: nothing is announced.
bool is_discovery_prefix(const std::string& prefix) {
  return prefix.find_first_of("+#") == std::string::npos && !prefix.ends_with('/') &&
         std::count(prefix.begin(), prefix.end(), '/') < 2;
}

Status check_alert_command(const std::string& program) {
  if (program.empty()) return {};
  if (!program.starts_with('/')) {
    return fail("alert_command must be the whole path of a program, not '" + program + "'");
  }
  std::error_code ignored;
  const auto status = std::filesystem::status(program, ignored);
  if (!std::filesystem::exists(status)) return fail("there is no alert_command " + program);
  if (!std::filesystem::is_regular_file(status) || ::access(program.c_str(), X_OK) != 0) {
    return fail("alert_command " + program + " cannot be run: it must be a program (chmod +x)");
  }
  return {};
}

Status check_nodes_way(const DaemonConfig& config) {
  if (!config.node_listen.empty()) {
    if (!config.broker_url.empty()) {
      return fail(
          "node_listen is for the broker that the aggregator runs itself, and broker_url names another one: "
          "configure that one's listeners, and say with node_broker_url how nodes reach it");
    }
    if (const auto listener = parse_node_listen(config.node_listen); !listener) return fail(listener.error().message);
  }
  if (config.node_broker_url.empty()) return {};
  const auto ways = mqtt::parse_broker_urls(config.node_broker_url);
  if (!ways) return fail("node_broker_url: " + ways.error().message);
  for (const auto& way : *ways) {
    if (!way.tls) return fail("node_broker_url must begin with ssl://: nodes come over TLS only");
  }
  return {};
}

Status check(const DaemonConfig& config, const std::string& path) {
  if (!is_valid_name(config.cluster)) {
    return fail(path + ": cluster '" + config.cluster + "' is not a name (letters, digits, '-', '_', '.')");
  }
  if (!config.broker_url.empty()) {
    if (const auto broker = mqtt::parse_broker_url(config.broker_url); !broker) {
      return fail(path + ": " + broker.error().message);
    }
  }
  if (auto status = check_nodes_way(config); !status) return fail(path + ": " + status.error().message);
  if (!is_discovery_prefix(config.home_assistant)) {
    return fail(path +
                ": home_assistant is the prefix of Home Assistant's discovery topics, of one level or two, usually "
                "\"homeassistant\"");
  }
  if (auto status = check_alert_command(config.alert_command); !status) {
    return fail(path + ": " + status.error().message);
  }
  if (config.tls_cert_file.empty() != config.tls_key_file.empty()) {
    return fail(path + ": tls_cert_file and tls_key_file go together: a certificate and its key");
  }
  const auto shorter = [](int64_t days, int64_t than_days) {
    return days != 0 && (than_days == 0 || days < than_days);
  };
  if (shorter(config.telemetry_minute_days, config.telemetry_raw_days) ||
      shorter(config.telemetry_hour_days, config.telemetry_minute_days)) {
    return fail(path + ": telemetry_raw_days, telemetry_minute_days and telemetry_hour_days must not become shorter");
  }
  if (config.loss_ms < config.silent_ms) return fail(path + ": loss_ms must not be below silent_ms");
  const int64_t floor_ms = lease_floor_ms(kBeatMs, wire::kMaxReconnectMs, config.loss_ms);
  if (config.lease_ms < floor_ms) {
    return fail(path + ": lease_ms must be at least " + std::to_string(floor_ms) + " with loss_ms at " +
                std::to_string(config.loss_ms) +
                ": a shorter lease would kill the tasks of healthy nodes when the broker restarts");
  }
  return {};
}

void read_access(posix::ConfigFile& table, http::AccessLists& access) {
  table.list("operators", access.operators);
  table.list("submitters", access.submitters);
  table.list("viewers", access.viewers);
  if (auto good = http::check_access_lists(access); !good) table.complain(good.error().message);
}

}  // namespace

Result<DaemonConfig> read_config(const std::string& path) {
  auto file = posix::ConfigFile::read(path);
  if (!file) return tl::unexpected<Error>(file.error());
  DaemonConfig config;
  file->text("cluster", config.cluster);
  file->text("state_dir", config.state_dir);
  file->text("api_socket", config.api_socket);
  file->table("access", [&](posix::ConfigFile& table) { read_access(table, config.access); });
  file->text("tcp_listen", config.tcp_listen);
  file->text("tls_cert_file", config.tls_cert_file);
  file->text("tls_key_file", config.tls_key_file);
  file->text("token_file", config.token_file);
  file->list("host_names", config.host_names);
  file->text("broker_url", config.broker_url);
  file->text("node_listen", config.node_listen);
  file->text("node_broker_url", config.node_broker_url);
  file->integer("certificate_days", config.certificate_days, 1, 3650);
  file->text("broker_user", config.broker_user);
  file->text("broker_password_file", config.broker_password_file);
  config.alerts = read_alert_rules(*file);
  file->text("alert_command", config.alert_command);
  file->text("home_assistant", config.home_assistant);
  file->integer("telemetry_commit_s", config.telemetry_commit_s, 1, 3600);
  file->integer("telemetry_raw_days", config.telemetry_raw_days, 0, 36'500);
  file->integer("telemetry_minute_days", config.telemetry_minute_days, 0, 36'500);
  file->integer("telemetry_hour_days", config.telemetry_hour_days, 0, 36'500);
  file->integer("telemetry_other_metrics", config.telemetry_other_metrics, 0, 10'000);
  file->integer("telemetry_node_hz", config.telemetry_node_hz, 1, 1'000'000);
  file->flag("telemetry_trust_clock", config.telemetry_trust_clock);
  auto quota = static_cast<int64_t>(config.blob_quota_bytes);
  file->integer("blob_quota_bytes", quota, 1 << 20, int64_t{1} << 50);
  config.blob_quota_bytes = static_cast<uint64_t>(quota);
  file->integer("keep_jobs_days", config.keep_jobs_days, 0, 36'500);
  file->integer("keep_jobs", config.keep_jobs, 0, 1'000'000'000);
  file->integer("silent_ms", config.silent_ms, 1000, kHourMs);
  file->integer("loss_ms", config.loss_ms, 1000, kHourMs);
  file->integer("lease_ms", config.lease_ms, 1000, kHourMs);
  config.lines = read_lines(*file, config.state_dir + "/lines");
  config.power = read_power_settings(*file);
  if (auto status = file->finish(); !status) return tl::unexpected<Error>(status.error());
  if (auto status = check(config, path); !status) return tl::unexpected<Error>(status.error());
  return config;
}

}  // namespace bramble::aggregator
