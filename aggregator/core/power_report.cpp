// The power of nodes as JSON.
#include <nlohmann/json.hpp>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/power_internal.hpp"
#include "aggregator/core/reactor.hpp"

namespace bramble::aggregator {
namespace {

using nlohmann::json;

json lines_of(const State& state, const std::string& name, Now now) {
  json lines = json::array();
  for (size_t i = 0; i < state.power.lines.size(); ++i) {
    const LineSpec& spec = state.config.power.lines[i];
    if (spec.node != name) continue;
    const PowerLine& line = state.power.lines[i];
    lines.push_back({{"role", to_string(spec.role)},
                     {"line", spec.name},
                     {"level", line.level ? json(*line.level) : json(nullptr)},
                     {"power_w", line.power_mw ? json(static_cast<double>(*line.power_mw) / 1000) : json(nullptr)},
                     {"error", line.error},
                     {"read_ms", line.told ? json(now.mono - *line.told) : json(nullptr)}});
  }
  return lines;
}

// What the node itself tells, where no meter of ours does.
void put_watts(json& object, const State& state, const std::string& name, const PowerNode* power) {
  object["power_w"] = nullptr;
  object["power_measured"] = false;
  if (power != nullptr && power->lines.meter) {
    if (const auto mw = state.power.lines[*power->lines.meter].power_mw) {
      object["power_w"] = static_cast<double>(*mw) / 1000;
      object["power_measured"] = true;
    }
    return;
  }
  const auto known = state.node_by_name.find(name);
  if (known == state.node_by_name.end()) return;
  const Node& node = state.nodes[known->second];
  if (node.state != NodeState::on || !node.telemetry || !node.telemetry->values.contains("power_w")) return;
  object["power_w"] = node.telemetry->values.at("power_w");
  object["power_measured"] = node.telemetry->power_measured;
}

json lined_object(const State& state, const std::string& name, const PowerNode& node, Now now) {
  const PowerRecord& record = node.record;
  const bool wished = record.wish != PowerWish::none;
  json object{{"node", name},
              {"state", to_string(node.adopting ? PowerState::unknown : record.state)},
              {"since_ms", record.since.ms},
              {"in_state_ms", now.mono - node.since},
              {"cause", record.cause},
              {"desired", wished ? json(to_string(record.wish)) : json(nullptr)},
              {"how", wished ? json(to_string(record.how)) : json(nullptr)},
              {"who", wished ? record.who : ""},
              {"why", wished ? record.why : ""},
              {"asked_ms", wished ? json(record.asked.ms) : json(nullptr)},
              {"cycle", record.cycle},
              {"waits", node.adopting ? "its lines are being read" : node.waits},
              {"fault", record.state == PowerState::fault ? record.cause : ""},
              {"off_proved", record.off_proved},
              {"boot_ms", record.boot_ms > 0 ? json(record.boot_ms) : json(nullptr)},
              {"starts", record.starts},
              {"supply", state.power.supplies[node.supply].config.name},
              {"protected", why_kept_on(state, name)},
              {"lines", lines_of(state, name, now)}};
  put_watts(object, state, name, &node);
  return object;
}

PowerState plain_state(const Node& node) {
  if (node.state == NodeState::stopped) return PowerState::stopped;
  return node.state == NodeState::on ? PowerState::on : PowerState::unknown;
}

// Without a line: nothing can be wanted of it.
json unlined_object(const State& state, const std::string& name) {
  const Node& node = state.nodes[state.node_by_name.at(name)];
  json object{{"node", name},
              {"state", to_string(plain_state(node))},
              {"lines", json::array()},
              {"protected", why_kept_on(state, name)}};
  for (const char* nothing : {"desired", "how", "asked_ms", "since_ms", "in_state_ms", "boot_ms", "supply"}) {
    object[nothing] = nullptr;
  }
  for (const char* empty : {"who", "why", "waits", "fault"}) object[empty] = "";
  object["cause"] = "it hangs on no line";
  object["cycle"] = object["off_proved"] = false;
  object["starts"] = 0;
  put_watts(object, state, name, nullptr);
  return object;
}

json supplies_array(const State& state) {
  json supplies = json::array();
  for (size_t i = 0; i < state.power.supplies.size(); ++i) {
    const SupplyConfig& config = state.power.supplies[i].config;
    supplies.push_back({{"supply", config.name},
                        {"taken_w", static_cast<double>(drawn_mw(state, state.power.supplies[i], i)) / 1000},
                        {"max_w", config.max_mw > 0 ? json(static_cast<double>(config.max_mw) / 1000) : json(nullptr)},
                        {"stagger_ms", config.stagger_ms}});
  }
  return supplies;
}

}  // namespace

std::optional<PowerState> power_state_of(const State& state, const std::string& node) {
  const auto found = state.power.nodes.find(node);
  if (found == state.power.nodes.end()) return {};
  return found->second.adopting ? PowerState::unknown : found->second.record.state;
}

bool is_off_unasked(const State& state, const std::string& node) {
  const auto found = state.power.nodes.find(node);
  return found != state.power.nodes.end() && power_state_of(state, node) == PowerState::off &&
         found->second.record.wish == PowerWish::none;
}

bool is_switched_off(const State& state, const std::string& node) {
  switch (power_state_of(state, node).value_or(PowerState::unknown)) {
    case PowerState::off:
    case PowerState::starting:
    case PowerState::halting:
    case PowerState::cutting:
    case PowerState::cool_down:
      return true;
    default:
      return false;
  }
}

std::string power_json(const State& state, Now now, const std::vector<std::string>& nodes) {
  std::set<std::string> names(nodes.begin(), nodes.end());
  if (names.empty()) {
    for (const auto& [name, index] : state.node_by_name) names.insert(name);
    for (const auto& [name, node] : state.power.nodes) names.insert(name);
  }
  json rows = json::array();
  for (const auto& name : names) {
    const auto lined = state.power.nodes.find(name);
    rows.push_back(lined == state.power.nodes.end() ? unlined_object(state, name)
                                                    : lined_object(state, name, lined->second, now));
  }
  const PowerPause& pause = state.power.pause;
  const json body{{"paused", pause.paused},
                  {"paused_by", pause.paused ? pause.who : ""},
                  {"paused_why", pause.paused ? pause.why : ""},
                  {"recovery", state.config.power.recovery},
                  {"supplies", supplies_array(state)},
                  {"nodes", rows}};
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace bramble::aggregator
