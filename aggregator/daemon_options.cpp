#include "aggregator/daemon_options.hpp"

#include <cmath>

#include "common/mqtt/broker_address.hpp"
#include "common/posix/log.hpp"
#include "common/posix/machine.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::aggregator {
namespace {

int64_t mw_of(double w) { return static_cast<int64_t>(std::llround(w * 1000)); }

std::set<std::string> names_of(const std::vector<std::string>& names) { return {names.begin(), names.end()}; }

SupplyConfig supply_config(const SupplySettings& settings) {
  SupplyConfig config;
  config.name = settings.name;
  config.nodes = settings.nodes;
  config.stagger_ms = settings.stagger_ms;
  config.starts_per_minute = settings.starts_per_minute;
  config.start_burst = settings.start_burst;
  config.cuts_per_minute = settings.cuts_per_minute;
  config.cut_burst = settings.cut_burst;
  config.max_mw = mw_of(settings.max_w);
  config.start_mw = mw_of(settings.start_w);
  config.run_mw = mw_of(settings.run_w);
  return config;
}

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
  const PowerSettings& settings = config.power;
  PowerConfig power;
  for (const LineConfig& line : config.lines) power.lines.push_back(line.spec);
  for (const SupplySettings& supply : settings.supplies) power.supplies.push_back(supply_config(supply));
  power.head_nodes = names_of(settings.head_nodes);
  power.broker_nodes = names_of(settings.broker_nodes);
  power.keep_on = names_of(settings.keep_on);
  name_this_machine(config, power);
  power.recovery = settings.recovery;
  power.recovery_floor_ms = settings.recovery_s * 1000;
  power.healthy_percent = settings.healthy_percent;
  power.idle_off_ms = settings.idle_off_s * 1000;
  power.cut_unhalted = settings.cut_unhalted;
  power.start_limit_ms = settings.start_limit_s * 1000;
  power.max_starts = static_cast<uint32_t>(settings.max_starts);
  power.halt_limit_ms = settings.halt_limit_s * 1000;
  power.hold_ms = settings.hold_s * 1000;
  power.quiet_mw = mw_of(settings.quiet_w);
  power.off_mw = mw_of(settings.off_w);
  return power;
}

Config reactor_config(const DaemonConfig& config) {
  Config result;
  result.cluster = config.cluster;
  result.version = BRAMBLE_VERSION;
  result.run = posix::random_uuid();
  result.silent_ms = config.silent_ms;
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
  constexpr int64_t kDayMs = 24 * 3600 * 1000;
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
