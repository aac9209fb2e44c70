// The power state machine's beginning, its tick, and what it writes down.
#include "aggregator/core/power.hpp"

#include <algorithm>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/power_internal.hpp"
#include "aggregator/core/reactor.hpp"

namespace bramble::aggregator {

std::string watts(int64_t mw) {
  const int64_t tenths = (mw + 50) / 100;
  return std::to_string(tenths / 10) + (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10)) + " W";
}

std::string seconds(int64_t ms) { return std::to_string((ms + 500) / 1000) + " s"; }

void put_power(Effects& effects, const PowerNode& node) { effects.writes.push_back(PutPower{node.record}); }

void audit(const State& state, Effects& effects, Now now, std::string_view who, const std::string& node,
           const std::string& action, const std::string& why, const std::string& result) {
  effects.writes.push_back(
      AddAudit{{now.wall, std::string(who), node, action, why, result}, state.config.power.audit_rows});
}

void wish(PowerNode& node, Now now, PowerWish what, PowerHow how, std::string_view who, const std::string& why,
          bool by_person) {
  PowerRecord& record = node.record;
  record.wish = what;
  record.how = how;
  record.cycle = false;
  record.who = who;
  record.why = why;
  record.asked = now.wall;
  record.by_person = by_person;
}

void mark_power(State& state, PowerNode& node) {
  Node* known = cluster_node(state, node);
  if (known == nullptr) return;
  const PowerState now_in = node.record.state;
  const bool works = node.adopting || now_in == PowerState::unknown || now_in == PowerState::stopped ||
                     now_in == PowerState::on || now_in == PowerState::suspect;
  if (known->power_leaves && works) state.schedule_needed = true;
  known->power_leaves = !works;
  known->gives_back = now_in == PowerState::draining && node.record.how != PowerHow::clean;
}

void enter(State& state, Effects& effects, Now now, PowerNode& node, PowerState to, const std::string& cause,
           std::string_view who) {
  PowerRecord& record = node.record;
  record.state = to;
  record.since = now.wall;
  record.cause = cause;
  node.since = now.mono;
  node.acted = false;
  node.acted_at.reset();
  node.tried.reset();
  node.failed.clear();
  node.learns = false;
  node.halt_asked.reset();
  node.cut_now = false;
  node.waits.clear();
  if (to == PowerState::on) record.was_on = true;
  if (to == PowerState::stopped || to == PowerState::off) record.was_on = false;
  if (to != PowerState::off && to != PowerState::cool_down) record.off_proved = false;
  // What was forced is done: what hangs on the line later, or is switched on by hand, has not been forced off by
  // anyone.
  if (to == PowerState::off) record.how = PowerHow::clean;
  mark_power(state, node);
  put_power(effects, node);
  audit(state, effects, now, who, record.node, std::string(to_string(to)), cause, "");
  effects.info("power of node " + record.node + ": " + std::string(to_string(to)) + " (" + cause + ")");
}

void enter_fault(State& state, Effects& effects, Now now, PowerNode& node, const std::string& sentence) {
  enter(state, effects, now, node, PowerState::fault, sentence, kAutomation);
  node.probed = now.mono;
  effects.warn("power of node " + node.record.node + " is in fault: " + sentence);
}

namespace {

// It was met, and somebody was there. Who wants it off and on again still does.
bool end_wish_for_on(PowerNode& node, Now now) {
  if (node.record.wish != PowerWish::on || node.record.cycle || !node.record.was_on) return false;
  wish(node, now, PowerWish::none, PowerHow::clean, kAutomation, "", false);
  return true;
}

}  // namespace

void enter_stopped(State& state, Effects& effects, Now now, PowerNode& node) {
  end_wish_for_on(node, now);
  enter(state, effects, now, node, PowerState::stopped, "it said goodbye", kAutomation);
}

void find_off(State& state, Effects& effects, Now now, PowerNode& node) {
  std::string cause = "its line was found off";
  if (end_wish_for_on(node, now)) cause += ": nobody wants it on any more";
  enter(state, effects, now, node, PowerState::off, cause, kAutomation);
}

namespace {

bool feeds_the_rest(const SupplyConfig& supply) { return supply.name.empty() || supply.nodes.empty(); }

void set_up_supplies(PowerSystem& power, const PowerConfig& config, Now now) {
  for (const SupplyConfig& supply : config.supplies) power.supplies.push_back({supply, now.mono, 1, 1, now.mono});
  const bool has_rest = std::any_of(config.supplies.begin(), config.supplies.end(), feeds_the_rest);
  if (!has_rest) power.supplies.push_back({SupplyConfig{}, now.mono, 1, 1, now.mono});
}

size_t supply_of(const PowerSystem& power, const std::string& node) {
  size_t rest = 0;
  for (size_t i = 0; i < power.supplies.size(); ++i) {
    const SupplyConfig& supply = power.supplies[i].config;
    if (std::find(supply.nodes.begin(), supply.nodes.end(), node) != supply.nodes.end()) return i;
    if (feeds_the_rest(supply)) rest = i;
  }
  return rest;
}

std::optional<LineIndex>& place_of(PowerLines& lines, LineRole role) {
  switch (role) {
    case LineRole::supply:
      return lines.supply;
    case LineRole::button:
      return lines.button;
    case LineRole::reset:
      return lines.reset;
    case LineRole::halted:
      return lines.halted;
    case LineRole::meter:
      break;
  }
  return lines.meter;
}

void set_up_node(State& state, Now now, LineIndex index) {
  const LineSpec& spec = state.config.power.lines[index];
  const auto [found, is_new] = state.power.nodes.try_emplace(spec.node);
  PowerNode& node = found->second;
  place_of(node.lines, spec.role) = index;
  node.record.lines += (node.record.lines.empty() ? "" : ", ") + spec.name;
  if (!is_new) return;
  node.record.node = spec.node;
  node.supply = supply_of(state.power, spec.node);
  node.since = node.up = node.idle = now.mono;
}

// Lines that were given to another node, or to other pins: nothing is switched for that, they are read like all others.
// What was wanted still is, but nothing that was under way or forced on the old ones goes on on the new ones.
void load_record(State& state, Effects& effects, Now now, PowerNode& node, const PowerRecord& stored) {
  const std::string lines = node.record.lines;
  node.record = stored;
  node.record.lines = lines;
  if (stored.lines.empty() || stored.lines == lines) return;
  const std::string moved = "its lines were " + stored.lines + " and are now " + lines;
  effects.warn("node " + stored.node + ": " + moved + "; they are taken as they stand");
  audit(state, effects, now, kAutomation, stored.node, "lines changed", moved, "");
  PowerRecord& record = node.record;
  record.how = PowerHow::clean;
  record.cycle = record.off_proved = false;
  if (record.state != PowerState::fault) {
    record.state = PowerState::unknown;
    record.cause = moved;
    record.since = now.wall;
  }
  put_power(effects, node);
}

}  // namespace

void load_power(State& state, Effects& effects, Now now, const LoadedState& loaded) {
  PowerSystem& power = state.power;
  const PowerConfig& config = state.config.power;
  power.pause = loaded.power_pause;
  set_up_supplies(power, config, now);
  power.lines.resize(config.lines.size());
  for (LineIndex index = 0; index < config.lines.size(); ++index) {
    set_up_node(state, now, index);
    ask_line(state, effects, now, index, LineAction::read);
  }
  for (const PowerRecord& stored : loaded.power) {
    const auto found = power.nodes.find(stored.node);
    if (found != power.nodes.end()) load_record(state, effects, now, found->second, stored);
  }
}

void watch_power(State& state, Effects& effects, Now now) {
  if (state.power.nodes.empty()) return;
  watch_lines(state, effects, now);
  if (!state.gone_back.empty()) return;  // what this database says of the lines may be old
  for (auto& [name, node] : state.power.nodes) {
    step_power(state, effects, now, node);
    mark_power(state, node);
  }
  watch_idle(state, effects, now);
}

}  // namespace bramble::aggregator
