// The way down as people or idleness want it: drained, asked to shut down, seen to have halted, and only then cut.
#include <algorithm>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/power_internal.hpp"
#include "aggregator/core/reactor.hpp"

namespace bramble::aggregator {
namespace {

constexpr uint32_t kControlExpiryS = 10;  // a word that comes late must not halt the next boot

// The agent withdraws a request that nobody took after 10 s (agent/runner/machine_halt.hpp).
constexpr int64_t kAskLiesMs = kControlExpiryS * 1000 + 10'000;

bool is_forced(const PowerNode& node) { return node.record.how == PowerHow::force; }

// Asked again until its answer could only come when nobody waits for it any more: then a node that was given up for on
// would halt after all.
void ask_to_halt(State& state, Effects& effects, Now now, PowerNode& node) {
  const Node* known = cluster_node(state, node);
  const int64_t again_ms = state.config.power.halt_again_ms;
  if (!state.connected || known->session == 0) return;
  if (node.halt_asked && now.mono - *node.halt_asked < again_ms) return;
  const int64_t limit_ms = state.config.power.halt_limit_ms;
  if (now.mono - node.since > std::max(limit_ms - kAskLiesMs, limit_ms / 2)) return;
  node.halt_asked = now.mono;
  const wire::Control control{state.store, state.term, known->session, wire::ControlAction::shutdown,
                              cause_of_wish(node.record)};
  effects.publish.push_back({state.topics.node(node.record.node, wire::NodeTopic::control), wire::encode(control), 1,
                             false, kControlExpiryS});
}

// What was wanted is not done, and not tried again.
void stay_on(State& state, Effects& effects, Now now, PowerNode& node, const std::string& why) {
  wish(node, now, PowerWish::none, PowerHow::clean, kAutomation, "", false);
  enter(state, effects, now, node, PowerState::on, why, kAutomation);
}

void back_to_on(State& state, Effects& effects, Now now, PowerNode& node) {
  const std::string late = "it did not shut down within " + seconds(state.config.power.halt_limit_ms);
  effects.warn("node " + node.record.node + " stays on: " + late + " (bramble power off --force cuts it)");
  stay_on(state, effects, now, node, late);
}

// The halt limit is over, and nothing shows that it has halted.
void settle_late_halt(State& state, Effects& effects, Now now, PowerNode& node) {
  const PowerConfig& config = state.config.power;
  if (!state.connected) {
    node.waits = "no connection to the broker: whether it still beats is not known";
    return;
  }
  const bool up = is_up(state, node);
  if (up && !is_forced(node)) return back_to_on(state, effects, now, node);
  if (is_forced(node)) return take_down(state, effects, now, node, "forced after the halt limit", false);
  if (halt_of(state, node) == Halt::not_seen && !config.cut_unhalted) {
    node.waits = "silent, but its halt line or meter does not show that it has halted: --force takes its power";
    return;
  }
  const Node* known = cluster_node(state, node);
  const bool joins = known != nullptr && known->state == NodeState::joining;  // not up, and anything but silent
  if (joins && unheard_ms(state, node, now) < recovery_ms(state, node)) {
    node.waits = "it beats, and has not told yet what it holds: --force takes its power";
    return;
  }
  if (unheard_ms(state, node, now) < config.halt_limit_ms) {
    node.waits = "silence for " + seconds(config.halt_limit_ms);
    return;
  }
  take_down(state, effects, now, node, "silent for " + seconds(config.halt_limit_ms), true);
}

// Its session ends with its power: if it beats all the same it must be welcomed anew, which shows it. Who takes its
// power on purpose has no quarrel with what ran there.
void end_session(State& state, const PowerNode& node) {
  Node* known = cluster_node(state, node);
  if (known == nullptr) return;
  known->session = 0;
  known->state = NodeState::stopped;
}

// The configuration may have changed since it was asked for, or its machine not been known yet.
bool is_held_back_from_cut(const State& state, PowerNode& node) {
  const std::string why = why_protected(state, node.record.node);
  node.waits = why.empty() ? "" : "never switched off: " + why;
  if (is_paused_for(state, node)) node.waits = "paused by " + state.power.pause.who;
  return !node.waits.empty();
}

void begin_cut(State& state, Effects& effects, Now now, PowerNode& node) {
  if (is_up(state, node) && !is_forced(node)) {
    return enter(state, effects, now, node, PowerState::on, "it beats again", kAutomation);
  }
  if (!node.tried && is_held_back_from_cut(state, node)) return;
  if (!node.tried && !take_cut_token(state, now, node)) {
    node.waits = "rate: no more cuts than the supply allows a minute";
    return;
  }
  end_session(state, node);
  take_power(state, effects, now, node);
}

}  // namespace

// It has halted, or nothing is waited for any longer. Without a supply line there is nothing to cut, but for a button
// that is held when the node did not halt by itself.
void take_down(State& state, Effects& effects, Now now, PowerNode& node, const std::string& cause, bool halted) {
  const bool must_cut = node.lines.supply || (node.lines.button && !halted);
  const PowerState down = node.record.wish == PowerWish::off ? PowerState::off : PowerState::cool_down;
  enter(state, effects, now, node, must_cut ? PowerState::cutting : down, cause, node.record.who);
}

void step_draining(State& state, Effects& effects, Now now, PowerNode& node) {
  if (!wants_away(node.record)) {
    return enter(state, effects, now, node, PowerState::on, cause_of_wish(node.record), node.record.who);
  }
  if (auto why = why_kept_on(state, node.record.node); !why.empty()) return stay_on(state, effects, now, node, why);
  if (is_paused_for(state, node)) return stay_on(state, effects, now, node, "paused by " + state.power.pause.who);
  if (said_goodbye(state, node)) return enter_stopped(state, effects, now, node);
  if (!is_up(state, node)) {
    node.waits = "not heard: it is waited for; --force takes its power";
    if (is_forced(node)) return take_down(state, effects, now, node, cause_of_wish(node.record), false);
    if (reads(state, node.lines.supply, false)) return find_off(state, effects, now, node);
    (void)leaves_for_silence(state, effects, now, node);
    return;
  }
  const size_t tasks = cluster_node(state, node)->attempts.size();
  if (tasks > 0 && is_stuck(state, node) && !is_forced(node)) {  // their ends would be waited for in vain
    node.waits = "its warden to answer: it beats and makes no progress; --force does not wait for its tasks";
    (void)leaves_for_silence(state, effects, now, node);
    return;
  }
  node.waits = std::to_string(tasks) + (tasks == 1 ? " task" : " tasks") + " to end";
  if (tasks > 0 && !is_forced(node)) return;
  enter(state, effects, now, node, PowerState::halting, cause_of_wish(node.record), node.record.who);
  ask_to_halt(state, effects, now, node);
}

void step_halting(State& state, Effects& effects, Now now, PowerNode& node) {
  if (!wants_away(node.record)) node.record.cycle = true;  // wanted on, and too late: it is started again
  if (is_new_boot(state, node)) {
    return enter(state, effects, now, node, PowerState::on, "it has booted anew by itself", kAutomation);
  }
  const bool halted = halt_of(state, node) == Halt::seen;
  if (halted || (!is_up(state, node) && reads(state, node.lines.supply, false))) {
    return take_down(state, effects, now, node, "it has halted", true);
  }
  if (node.cut_now) return take_down(state, effects, now, node, cause_of_wish(node.record), false);
  node.waits = "its halt, for " + seconds(state.config.power.halt_limit_ms) + " at most";
  if (is_up(state, node)) ask_to_halt(state, effects, now, node);
  if (now.mono - node.since >= state.config.power.halt_limit_ms) settle_late_halt(state, effects, now, node);
}

void step_cutting(State& state, Effects& effects, Now now, PowerNode& node) {
  const std::string missing = missing_of_cut(state, node, now);
  if (missing.empty()) {
    const PowerState down = node.record.wish == PowerWish::off ? PowerState::off : PowerState::cool_down;
    return enter(state, effects, now, node, down, node.record.cause, node.record.who);
  }
  node.waits = missing;
  if (is_being_switched(state, node)) return;  // nothing crosses that: in fault nothing would be switched
  if (is_cut_overdue(state, node, now, state.config.power.cut_limit_ms)) {
    return enter_fault(state, effects, now, node,
                       "its power was to be cut, and after " + seconds(now.mono - *node.tried) + " " + missing);
  }
  if (!node.acted) begin_cut(state, effects, now, node);
}

// It may have halted, or only its agent was stopped: its power is taken where that is shown, or forced.
void step_stopped(State& state, Effects& effects, Now now, PowerNode& node) {
  node.waits.clear();
  if (is_up(state, node)) return enter(state, effects, now, node, PowerState::on, "it beats", kAutomation);
  if (reads(state, node.lines.supply, false)) return find_off(state, effects, now, node);
  if (node.record.wish == PowerWish::none) return;
  const bool halted = halt_of(state, node) == Halt::seen;
  if (!halted && !is_forced(node)) {
    node.waits =
        "it said goodbye, and nothing shows that it has halted: perhaps only its agent was stopped; cycle --force or "
        "off --force takes its power";
    return;
  }
  if (node.record.wish == PowerWish::on) node.record.cycle = true;
  take_down(state, effects, now, node, cause_of_wish(node.record), halted);
}

}  // namespace bramble::aggregator
