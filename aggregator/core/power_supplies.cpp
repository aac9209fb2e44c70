// When a node may be switched on or off, as far as its supply goes: one after the other, at a bounded rate, and within
// the supply's watts.
#include <algorithm>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/power_internal.hpp"

namespace bramble::aggregator {
namespace {

constexpr double kMostW = 1000;

void refill(PowerSupply& supply, Now now) {
  const double minutes = static_cast<double>(now.mono - supply.refilled) / 60'000;
  const SupplyConfig& config = supply.config;
  supply.start_tokens = std::min(config.start_burst, supply.start_tokens + minutes * config.starts_per_minute);
  supply.cut_tokens = std::min(config.cut_burst, supply.cut_tokens + minutes * config.cuts_per_minute);
  supply.refilled = now.mono;
}

// Switched on, and its line has not answered yet: the next one counts from the answer.
bool is_start_under_way(const State& state, size_t supply) {
  return std::any_of(state.power.nodes.begin(), state.power.nodes.end(), [&](const auto& entry) {
    const PowerNode& node = entry.second;
    return node.supply == supply && node.record.state == PowerState::starting && is_being_switched(state, node);
  });
}

std::optional<int64_t> measured_mw(const State& state, const std::string& name) {
  const auto power = state.power.nodes.find(name);
  if (power != state.power.nodes.end() && power->second.lines.meter) {
    return state.power.lines[*power->second.lines.meter].power_mw;
  }
  const auto known = state.node_by_name.find(name);
  if (known == state.node_by_name.end()) return {};
  const Node& node = state.nodes[known->second];
  if (node.state != NodeState::on || !node.telemetry) return {};
  const auto watts = node.telemetry->values.find("power_w");
  if (watts == node.telemetry->values.end()) return {};
  if (!(watts->second >= 0 && watts->second <= kMostW)) return {};  // no node: a sensor that is broken, or a lie
  return static_cast<int64_t>(watts->second * 1000);
}

// A program without a status: it was switched, and answers no question.
bool cannot_be_read(const PowerLine& line) { return line.told && line.error.empty() && !line.level; }

// Only a line that was read off, or a state that was, saves anything: all else may draw. A node that is heard does,
// whatever its line says: it may not have been read since.
bool may_draw(const State& state, const PowerNode& node) {
  switch (node.record.state) {
    case PowerState::on:
    case PowerState::draining:
    case PowerState::halting:
    case PowerState::starting:
      return true;
    case PowerState::off:
    case PowerState::cool_down:
      if (!node.lines.supply) return !node.lines.button;  // a reset takes no power
      if (cannot_be_read(state.power.lines[*node.lines.supply])) return false;
      break;
    default:
      break;
  }
  return !reads(state, node.lines.supply, false);
}

int64_t node_mw(const State& state, const SupplyConfig& supply, const std::string& name) {
  const auto power = state.power.nodes.find(name);
  if (power == state.power.nodes.end()) return std::max(supply.run_mw, measured_mw(state, name).value_or(0));
  const PowerNode& node = power->second;
  const bool starts = node.record.state == PowerState::starting;
  if (!starts && !may_draw(state, node)) return 0;
  const int64_t counted = starts ? std::max(supply.start_mw, supply.run_mw) : supply.run_mw;
  return std::max(counted, measured_mw(state, name).value_or(0));
}

}  // namespace

int64_t drawn_mw(const State& state, const PowerSupply& supply, size_t index) {
  std::set<std::string> names(supply.config.nodes.begin(), supply.config.nodes.end());
  for (const auto& [name, node] : state.power.nodes) {
    if (node.supply == index) names.insert(name);
  }
  int64_t sum_mw = 0;
  for (const auto& name : names) sum_mw += node_mw(state, supply.config, name);
  return sum_mw;
}

namespace {

std::string stagger_must_wait(const State& state, Now now, const PowerNode& node) {
  const PowerSupply& supply = state.power.supplies[node.supply];
  // A second try lets the others go first: a dead line must not hold them.
  const int64_t stagger_ms = supply.config.stagger_ms * (node.record.state == PowerState::starting ? 2 : 1);
  if (is_start_under_way(state, node.supply)) return "stagger: another node is being switched on";
  if (now.mono - supply.started >= stagger_ms) return {};
  return "stagger: " + std::to_string(supply.config.stagger_ms) + " ms from one start to the next";
}

std::string budget_must_wait(const State& state, const PowerNode& node) {
  const PowerSupply& supply = state.power.supplies[node.supply];
  const SupplyConfig& config = supply.config;
  if (config.max_mw == 0) return {};
  const int64_t taken_mw = drawn_mw(state, supply, node.supply) - node_mw(state, config, node.record.node);
  const int64_t needed_mw = std::max(config.start_mw, config.run_mw);
  if (taken_mw + needed_mw <= config.max_mw) return {};
  return "budget: " + watts(taken_mw) + " of " + watts(config.max_mw) + " are taken, a start needs " + watts(needed_mw);
}

}  // namespace

std::string start_must_wait(State& state, Now now, const PowerNode& node) {
  PowerSupply& supply = state.power.supplies[node.supply];
  refill(supply, now);
  if (auto wait = stagger_must_wait(state, now, node); !wait.empty()) return wait;
  if (auto wait = budget_must_wait(state, node); !wait.empty()) return wait;
  if (supply.start_tokens < 1) return "rate: no more starts than the supply allows a minute";
  supply.start_tokens -= 1;
  return {};
}

bool take_cut_token(State& state, Now now, const PowerNode& node) {
  PowerSupply& supply = state.power.supplies[node.supply];
  refill(supply, now);
  if (supply.cut_tokens < 1) return false;
  supply.cut_tokens -= 1;
  return true;
}

}  // namespace bramble::aggregator
