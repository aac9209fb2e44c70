// Nodes that are not heard, and nodes in fault. Taking a node's power for its silence is slow and sure: only where it
// is switched on, after a long honest silence, while most nodes are well, and never for one that said goodbye.
#include <algorithm>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/power_internal.hpp"
#include "aggregator/core/reactor.hpp"

namespace bramble::aggregator {
namespace {

// A node that is off, or on its way there or back, or said goodbye, is not expected to be heard.
bool is_expected(const State& state, const Node& node) {
  if (node.record.status.agent_id.empty() || node.state == NodeState::stopped) return false;
  const auto power = state.power.nodes.find(node.record.status.node);
  if (power == state.power.nodes.end()) return true;
  switch (power->second.record.state) {
    case PowerState::off:
    case PowerState::halting:
    case PowerState::cutting:
    case PowerState::cool_down:
    case PowerState::starting:
      return false;
    default:
      return true;
  }
}

// Empty: enough nodes are heard, so that it is the silent one that has the trouble.
std::string too_few_healthy(const State& state) {
  int64_t expected = 0;
  int64_t healthy = 0;
  for (const Node& node : state.nodes) {
    if (!is_expected(state, node)) continue;
    ++expected;
    if (node.state == NodeState::on && !is_stuck(node)) ++healthy;
  }
  if (healthy * 100 >= state.config.power.healthy_percent * expected) return {};
  return "only " + std::to_string(healthy) + " of " + std::to_string(expected) + " nodes are well (" +
         std::to_string(state.config.power.healthy_percent) + " % must be)";
}

bool still_beats(State& state, const PowerNode& node, Now now) {
  const Node* known = cluster_node(state, node);
  return known != nullptr && known->heard && now.mono - *known->heard <= state.config.loss_ms;
}

// Empty: its power may be taken now.
std::string why_not_fenced(State& state, const PowerNode& node, Now now) {
  const PowerConfig& config = state.config.power;
  if (auto why = why_protected(state, node.record.node); !why.empty()) return why;
  if (state.power.pause.paused) return "paused by " + state.power.pause.who;
  if (!state.connected) return "no connection to the broker";
  if (unheard_ms(state, node, now) < config.suspect_ms) return "a beat, for " + seconds(config.suspect_ms);
  // One that beats and makes no progress keeps its lease: that is over only when its power is.
  if (!still_beats(state, node, now) && !is_lease_over(state, node, now)) return "its lease to end";
  return too_few_healthy(state);
}

bool is_recovered(const State& state, const PowerNode& node) {
  return state.config.power.recovery && can_be_switched(node.lines) && why_protected(state, node.record.node).empty();
}

bool is_well(State& state, const PowerNode& node) { return is_up(state, node) && !is_stuck(state, node); }

}  // namespace

bool leaves_for_silence(State& state, Effects& effects, Now now, PowerNode& node) {
  const int64_t limit_ms = recovery_ms(state, node);
  if (!node.record.was_on || unheard_ms(state, node, now) < limit_ms) return false;
  const bool stuck = is_stuck(state, node);
  const std::string silent = (stuck ? "its warden has not answered for " : "not heard for ") + seconds(limit_ms);
  if (is_recovered(state, node)) {
    enter(state, effects, now, node, PowerState::suspect, silent, kAutomation);
    return true;
  }
  node.waits = (stuck ? "its warden does not answer" : "not heard") + std::string("; recovery is not for this node");
  if (stuck || node.record.state == PowerState::unknown) return false;
  enter(state, effects, now, node, PowerState::unknown, silent, kAutomation);
  return true;
}

void step_suspect(State& state, Effects& effects, Now now, PowerNode& node) {
  if (is_well(state, node)) return enter(state, effects, now, node, PowerState::on, "it beats again", kAutomation);
  if (said_goodbye(state, node)) return enter_stopped(state, effects, now, node);
  if (reads(state, node.lines.supply, false)) return find_off(state, effects, now, node);
  if (wants_away(node.record) && node.record.how == PowerHow::force) {
    return take_down(state, effects, now, node, cause_of_wish(node.record), false);
  }
  node.waits = why_not_fenced(state, node, now);
  const int64_t probed_ms = now.mono - node.since;
  if (node.waits.empty() && probed_ms < state.config.power.suspect_ms) {
    node.waits = "a beat, for " + seconds(state.config.power.suspect_ms - probed_ms) + "; then its power is taken";
  }
  if (!node.waits.empty()) return;
  if (node.record.starts >= state.config.power.max_starts) {
    return enter_fault(state, effects, now, node,
                       "it was started " + std::to_string(node.record.starts) + " times in a row and did not stay up");
  }
  node.record.boot_before = boot_of(state, node);
  enter(state, effects, now, node, PowerState::fencing, node.record.cause, kAutomation);
}

namespace {

void begin_fencing(State& state, Effects& effects, Now now, PowerNode& node) {
  if (!node.tried) {
    node.waits = why_not_fenced(state, node, now);
    if (node.waits.empty() && !take_cut_token(state, now, node)) node.waits = "rate: no more cuts a minute";
    if (!node.waits.empty()) return;
  }
  if (Node* known = cluster_node(state, node)) {
    known->session = 0;
    if (is_up(state, node)) fall_silent(state, effects, *known);  // it beat until now, and made no progress
  }
  // A reset starts it in the same moment; that is a start, with its stagger and its watts.
  if (is_reset_only(node.lines)) {
    return enter(state, effects, now, node, PowerState::cool_down, node.record.cause, kAutomation);
  }
  take_power(state, effects, now, node);
}

}  // namespace

void step_fencing(State& state, Effects& effects, Now now, PowerNode& node) {
  if (is_being_switched(state, node)) {  // nothing crosses that: in fault nothing would be switched
    node.waits = "its line has not answered";
    return;
  }
  const bool overdue = is_cut_overdue(state, node, now, state.config.power.fence_limit_ms);
  if (!node.acted) {
    if (is_well(state, node)) return enter(state, effects, now, node, PowerState::on, "it beats again", kAutomation);
    if (said_goodbye(state, node)) return enter_stopped(state, effects, now, node);
    if (!overdue) return begin_fencing(state, effects, now, node);
  }
  std::string missing = missing_of_cut(state, node, now);
  if (missing.empty()) {
    if (node.lines.supply) watch_proof(state, effects, now, node);
    if (!node.lines.supply || node.record.off_proved) {
      return enter(state, effects, now, node, PowerState::cool_down, node.record.cause, kAutomation);
    }
    if (!node.lines.meter) {  // the lease ends by itself
      node.waits = "its lease to end: without a meter a line that reads off proves nothing";
      return;
    }
    missing = "its meter does not show that it is off";
  }
  node.waits = missing;
  if (!overdue) return;
  enter_fault(state, effects, now, node,
              "its power was to be taken because it was not heard, and after " + seconds(now.mono - *node.tried) + " " +
                  missing);
}

// Looked at every so often: what works again by itself need not wait for a person. Nothing is ever switched.
void step_fault(State& state, Effects& effects, Now now, PowerNode& node) {
  node.waits = "a person: bramble power clear";
  if (wants_away(node.record) && node.record.how == PowerHow::force && node.cut_now) {
    return enter(state, effects, now, node, PowerState::cutting, cause_of_wish(node.record), node.record.who);
  }
  if (now.mono - node.probed < state.config.power.probe_ms) return;
  node.probed = now.mono;
  const bool up = is_up(state, node);
  const bool off = reads(state, node.lines.supply, false);
  if (node.record.wish == PowerWish::off) {
    if (!up && off) enter(state, effects, now, node, PowerState::off, "a probe shows it off", kAutomation);
  } else if (up && !off) {
    enter(state, effects, now, node, PowerState::on, "a probe shows it on", kAutomation);
  }
}

void adopt(State& state, Effects& effects, Now now, PowerNode& node) {
  node.adopting = false;
  PowerRecord& record = node.record;
  if (record.press_open) {
    record.press_open = false;
    audit(state, effects, now, kAutomation, record.node, "press not repeated",
          "the aggregator ended while its button or reset was pressed", "");
    put_power(effects, node);
  }
  const auto level = level_of(state, node.lines.supply);
  const bool off = level == std::optional(false);
  const auto become = [&](PowerState to, const char* cause) {
    enter(state, effects, now, node, to, cause, kAutomation);
  };
  // As if its line had just been switched: the hold, or the wait for a boot, begins anew. A press is never repeated.
  const auto observe = [&] {
    node.acted = true;
    node.acted_at = node.tried = node.since = now.mono;
  };
  node.since = now.mono;
  switch (record.state) {
    case PowerState::halting:
      if (off) become(PowerState::cutting, "its line was found off");
      return off ? observe() : void();
    case PowerState::cutting:
      if (off) return observe();
      become(wants_away(record) ? PowerState::halting : PowerState::starting, "its line was not found off");
      return record.state == PowerState::starting ? observe() : void();
    case PowerState::fencing:
      if (off) return observe();
      return become(PowerState::unknown, "its line was not found off");
    case PowerState::starting:
      if (off) return become(PowerState::cool_down, "its line was found off");
      return observe();
    case PowerState::suspect:
      return become(PowerState::unknown, "the aggregator was started anew");
    case PowerState::on:
    case PowerState::draining:
      return become(PowerState::unknown, "the aggregator was started anew");
    case PowerState::fault:
      node.probed = now.mono;
      return;
    case PowerState::off:
    case PowerState::cool_down:
    case PowerState::stopped:
    case PowerState::unknown:
      return;  // their own steps look at the line
  }
}

}  // namespace bramble::aggregator
