// The state as JSON, for people and programs.
#include <nlohmann/json.hpp>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/metrics.hpp"
#include "aggregator/core/reactor.hpp"

namespace bramble::aggregator {
namespace {

using nlohmann::json;

// Of one that is away nothing is known now.
bool tells(const Node& node) {
  return node.telemetry && (node.state == NodeState::on || node.state == NodeState::joining);
}

json metric(const Node& node, const char* name) {
  if (!tells(node)) return nullptr;
  const auto found = node.telemetry->values.find(name);
  return found == node.telemetry->values.end() ? json(nullptr) : json(found->second);
}

json node_object(const State& state, const Node& node, Now now) {
  const auto& status = node.record.status;
  json object;
  object["node"] = status.node;
  object["state"] = to_string(node.state);
  const auto power = power_state_of(state, status.node);
  object["power"] = power ? json(to_string(*power)) : json(nullptr);
  object["power_off_unasked"] = is_off_unasked(state, node.record.status.node);
  object["drained"] = node.record.drained;
  object["drain_reason"] = node.record.drain_reason;
  object["cores"] = status.cores;
  object["memory_bytes"] = status.memory_bytes;
  object["resources"] = status.resources;
  object["labels"] = status.labels;
  const wire::Containment& containment = status.containment;
  object["limits"] = {{"memory", wire::to_string(containment.memory)},
                      {"cpus", wire::to_string(containment.cpus)},
                      {"processes", wire::to_string(containment.processes)}};
  object["sandbox"] = containment.sandbox;
  object["no_sandbox"] = containment.no_sandbox;
  object["running"] = node.attempts.size() - node.unstarted;
  object["queued"] = node.unstarted;
  for (const char* name : {"load1", "cpu_busy_ratio", "temperature_celsius", "power_w", "energy_j", "disk_free_bytes",
                           "disk_total_bytes", "under_voltage", "sensors_failed"}) {
    object[name] = metric(node, name);
  }
  object["sensor_trouble"] = tells(node) ? node.telemetry->trouble : "";
  object["power_measured"] = tells(node) && node.telemetry->power_measured;
  object["calibrated_idle_w"] = node.record.power ? json(node.record.power->idle_w) : json(nullptr);
  object["calibrated_busy_w"] = node.record.power ? json(node.record.power->busy_w) : json(nullptr);
  object["readings_refused"] = node.allowance.refused;
  object["version"] = status.version;
  object["model"] = status.model;
  object["arch"] = status.arch;
  object["agent_id"] = status.agent_id;
  object["machine_id"] = status.machine_id;
  object["boot_id"] = status.boot_id;
  object["last_heard_ms"] = node.heard ? json(now.mono - *node.heard) : json(nullptr);
  object["session"] = node.session;
  return object;
}

constexpr size_t kMaxAlertsShown = 100;

json raised_alerts(const State& state) {
  json list = json::array();
  for (const auto& [key, alert] : state.alerts) {
    if (!alert.raised || list.size() == kMaxAlertsShown) continue;
    const AlertRule& rule = state.config.alerts[key.first];
    list.push_back({{"alert", rule.name},
                    {"node", key.second},
                    {"value", alert.value},
                    {"text", alert_text(rule, key.second, alert)}});
  }
  return list;
}

json telemetry_object(const State& state) {
  const TelemetryUse& use = state.telemetry_use;
  return {{"stored", use.stored},
          {"waiting", use.waiting},
          {"shed", use.shed},
          {"refused", refused_readings(state)},
          {"duplicates", use.duplicates},
          {"too_old", use.too_old},
          {"unfit", use.unfit},
          {"refused_values", use.refused_values},
          {"others_refused", use.others_refused},
          {"trouble", use.trouble}};
}

}  // namespace

std::string nodes_json(const State& state, Now now) {
  json list = json::array();
  for (const auto& [name, index] : std::map(state.node_by_name.begin(), state.node_by_name.end())) {
    list.push_back(node_object(state, state.nodes[index], now));
  }
  return list.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string health_json(const State& state) {
  size_t on = 0;
  for (const Node& node : state.nodes) on += node.state == NodeState::on ? 1 : 0;
  return json{{"version", state.config.version},
              {"cluster", state.config.cluster},
              {"store", state.store},
              {"term", state.term},
              {"connected", state.connected},
              {"gone_back", state.gone_back},
              {"store_ok", true},
              {"nodes_on", on},
              {"open_jobs", state.jobs.size()},
              {"broker_trouble", state.connected ? "" : state.last_disconnect_reason},
              {"storage",
               {{"used_bytes", state.storage.used_bytes},
                {"quota_bytes", state.storage.quota_bytes},
                {"full", state.storage.full}}},
              {"telemetry", telemetry_object(state)},
              {"alerts", raised_alerts(state)},
              {"forgetting_jobs", state.forgetting.size()},
              {"malformed_messages", state.malformed_messages},
              {"stale_messages", state.stale_messages},
              {"dropped_messages", state.dropped_messages},
              {"beats", state.beats}}
      .dump();
}

}  // namespace bramble::aggregator
