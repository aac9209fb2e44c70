#include "aggregator/daemon_options.hpp"

#include "aggregator/joining.hpp"
#include "common/base/duration.hpp"
#include "common/mqtt/broker_address.hpp"
#include "common/posix/log.hpp"
#include "common/posix/machine.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::aggregator {
namespace {

// Nodes are mostly called as their machines are. A broker that is given by its address may be anywhere.
void name_this_machine(const DaemonConfig& config, PowerConfig& power) {
  if (const std::string name = posix::host_name(); !name.empty()) power.head_nodes.insert(name);
  if (const auto identity = posix::read_machine_identity()) power.head_machine_id = identity->machine_id;
  const auto broker = mqtt::parse_broker_url(config.broker_url);
  if (!broker || broker->host.find_first_not_of("0123456789.:") == std::string::npos) return;
  power.broker_nodes.insert(broker->host.substr(0, broker->host.find('.')));
}

}  // namespace

PowerConfig power_config(const DaemonConfig& config) {
  PowerConfig power = config.power;
  for (const LineConfig& line : config.lines) power.lines.push_back(line.spec);
  name_this_machine(config, power);
  return power;
}

Config reactor_config(const DaemonConfig& config) {
  Config result;
  result.cluster = config.cluster;
  result.version = BRAMBLE_VERSION;
  result.run = posix::random_uuid();
  result.silent_ms = config.silent_ms;
  result.node_broker_url = node_broker_url(config);
  result.home_assistant = config.home_assistant;
  result.alerts = config.alerts;
  result.loss_ms = config.loss_ms;
  result.lease_ms = config.lease_ms;
  result.node_readings_hz = static_cast<double>(config.telemetry_node_hz);
  result.node_readings_burst = 10 * result.node_readings_hz;
  result.keep_jobs_ms = config.keep_jobs_days * 24 * 3600 * 1000;
  result.keep_jobs = static_cast<uint64_t>(config.keep_jobs);
  result.power = power_config(config);
  return result;
}

TelemetryOptions telemetry_options(const DaemonConfig& config) {
  TelemetryOptions options;
  options.commit_interval_ms = config.telemetry_commit_s * 1000;
  options.retention = {config.telemetry_raw_days * kDayMs, config.telemetry_minute_days * kDayMs,
                       config.telemetry_hour_days * kDayMs};
  options.max_other_metrics = static_cast<size_t>(config.telemetry_other_metrics);
  if (config.telemetry_trust_clock) options.clock_is_right = [] { return true; };
  options.warn = [](const std::string& text) { posix::log_warning(text); };
  return options;
}

}  // namespace bramble::aggregator
