// What each state of a node's power waits for, a function a state. Here the ways up; the
// ways down stand in power_leaving.cpp, those of silent nodes in power_recovery.cpp.
#include <algorithm>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/power_internal.hpp"
#include "aggregator/core/reactor.hpp"

namespace bramble::aggregator {
namespace {

// Grows at once and shrinks slowly: a node must not be judged by its one quick boot.
void learn_boot(PowerNode& node, Now now) {
  const int64_t took_ms = now.mono - node.since;
  int64_t& known_ms = node.record.boot_ms;
  known_ms = took_ms >= known_ms ? took_ms : known_ms - (known_ms - took_ms) / 8;
}

std::string supply_error(const State& state, const PowerNode& node) {
  return node.lines.supply ? state.power.lines[*node.lines.supply].error : "";
}

bool is_held_back(State& state, Now now, PowerNode& node);
void start_node(State& state, Effects& effects, Now now, PowerNode& node);

// Wanted on, not heard, and nothing tells whether it has power. Switching a supply on is idempotent, a press is not.
void wake_unreadable(State& state, Effects& effects, Now now, PowerNode& node) {
  if (!node.lines.supply) {
    node.waits = std::string("not heard, and nothing tells whether it has power: ") +
                 (node.lines.button ? "off --force, then on" : "cycle --force resets it");
    return;
  }
  if (!supply_error(state, node).empty()) return;
  start_node(state, effects, now, node);
  node.record.boot_before.clear();  // if it ran all the time, that is as good
}

void step_unknown(State& state, Effects& effects, Now now, PowerNode& node) {
  node.waits = "not heard yet";
  if (const std::string error = supply_error(state, node); !error.empty()) {
    node.waits += "; its line cannot be read: " + error;
  }
  if (is_up(state, node)) return enter(state, effects, now, node, PowerState::on, "it beats", kAutomation);
  if (reads(state, node.lines.supply, false)) return find_off(state, effects, now, node);
  if (said_goodbye(state, node)) return enter_stopped(state, effects, now, node);
  if (wants_away(node.record)) {
    if (node.record.how == PowerHow::force) {
      return take_down(state, effects, now, node, cause_of_wish(node.record), false);
    }
    node.waits = "not heard: it cannot be shut down cleanly before it is; --force takes its power all the same";
  }
  // One that was on and is silent hangs: that is recovery's.
  if (node.record.wish == PowerWish::on && !node.record.was_on && !level_of(state, node.lines.supply)) {
    return wake_unreadable(state, effects, now, node);
  }
  leaves_for_silence(state, effects, now, node);
}

// May be started now? Says what it waits for.
bool is_held_back(State& state, Now now, PowerNode& node) {
  const bool by_person = node.record.wish == PowerWish::on && node.record.by_person;
  if (state.power.pause.paused && !by_person) {
    node.waits = "paused by " + state.power.pause.who;
  } else {
    node.waits = start_must_wait(state, now, node);
  }
  return !node.waits.empty();
}

void start_node(State& state, Effects& effects, Now now, PowerNode& node) {
  if (is_held_back(state, now, node)) return;
  node.record.boot_before = boot_of(state, node);
  ++node.record.starts;
  const std::string cause = node.record.wish == PowerWish::on ? cause_of_wish(node.record) : node.record.cause;
  enter(state, effects, now, node, PowerState::starting, cause,
        node.record.wish == PowerWish::on ? std::string_view(node.record.who) : kAutomation);
  node.learns = true;
  give_power(state, effects, now, node);
}

// A relay that sticks reads off; a button or a program without a status proves nothing, so there it was woken.
void step_off(State& state, Effects& effects, Now now, PowerNode& node) {
  node.waits.clear();
  if (is_up(state, node)) {
    if (!reads(state, node.lines.supply, false)) {
      return enter(state, effects, now, node, PowerState::on, "it beats", kAutomation);
    }
    return enter_fault(state, effects, now, node,
                       "its line reads off, and it beats: the relay sticks, or the line is another node's");
  }
  if (reads(state, node.lines.supply, true)) {
    return enter(state, effects, now, node, PowerState::unknown, "its line was found on", kAutomation);
  }
  watch_proof(state, effects, now, node);
  if (node.record.wish == PowerWish::on) start_node(state, effects, now, node);
}

// What is reset runs until then, and its beats say nothing.
bool is_back(State& state, const PowerNode& node) {
  return is_reset_only(node.lines) ? is_new_boot(state, node) : is_up(state, node);
}

void step_cool_down(State& state, Effects& effects, Now now, PowerNode& node) {
  if (node.record.wish == PowerWish::off) {
    return enter(state, effects, now, node, PowerState::off, cause_of_wish(node.record), node.record.who);
  }
  if (is_back(state, node) || reads(state, node.lines.supply, true)) return step_off(state, effects, now, node);
  watch_proof(state, effects, now, node);
  const PowerConfig& config = state.config.power;
  const uint32_t doublings = std::min(node.record.starts, 20U);
  const int64_t wait_ms = std::min(config.cool_down_max_ms, config.cool_down_min_ms << doublings);
  node.waits = "started again after " + seconds(wait_ms);
  if (now.mono - node.since >= wait_ms) start_node(state, effects, now, node);
}

constexpr const char* kNeverLostPower = "it beats with the boot that it had before: it never lost its power";

void give_up_start(State& state, Effects& effects, Now now, PowerNode& node) {
  const PowerConfig& config = state.config.power;
  const std::string late = "it was not heard " + seconds(config.start_limit_ms) + " after it was started";
  if (node.record.wish != PowerWish::off && node.record.starts >= config.max_starts) {
    return enter_fault(state, effects, now, node, late + ", " + std::to_string(node.record.starts) + " times in a row");
  }
  if (is_up(state, node)) {
    return enter_fault(state, effects, now, node, kNeverLostPower);
  }
  const bool can_cut = node.lines.supply || (node.lines.button && node.record.wish == PowerWish::off);
  enter(state, effects, now, node, can_cut ? PowerState::cutting : PowerState::cool_down, late, kAutomation);
}

// Its relay reads back right, and sticks: it beats, and not from before the cut. A button or a reset may take a while
// to act: of these only the limit tells.
bool never_lost_power(State& state, const PowerNode& node) {
  const Node* known = cluster_node(state, node);
  return node.lines.supply && node.acted_at && is_up(state, node) && known->heard &&
         *known->heard - *node.acted_at >= state.config.power.hold_ms;
}

bool does_not_obey(const State& state, const PowerNode& node, Now now) {
  return reads(state, node.lines.supply, false) && node.tried && !node.acted_at && !node.failed.empty() &&
         now.mono - *node.tried >= state.config.power.cut_limit_ms;
}

// Counted while it could have been heard. One that beats and has not told yet what it has gets twice the time.
bool is_overdue(State& state, const PowerNode& node, Now now) {
  if (!state.connected) return false;
  const Node* known = cluster_node(state, node);
  const bool beats = known != nullptr && known->state == NodeState::joining && known->heard > node.acted_at;
  const int64_t limit_ms = state.config.power.start_limit_ms * (beats ? 2 : 1);
  return now.mono - std::max(node.since, state.trusted_since) >= limit_ms;
}

void step_starting(State& state, Effects& effects, Now now, PowerNode& node) {
  node.waits = "a beat of its new boot";
  if (is_new_boot(state, node)) {
    if (node.learns) learn_boot(node, now);
    if (node.record.cycle) wish(node, now, PowerWish::none, PowerHow::clean, kAutomation, "", false);
    state.power.woken = now.mono;  // one more is woken only when this one has got its work
    return enter(state, effects, now, node, PowerState::on, "it has started", kAutomation);
  }
  if (is_being_switched(state, node)) return;  // nothing crosses that
  if (never_lost_power(state, node)) return enter_fault(state, effects, now, node, kNeverLostPower);
  if (node.record.wish == PowerWish::off && node.record.how == PowerHow::force) {
    return enter(state, effects, now, node, PowerState::cutting, cause_of_wish(node.record), node.record.who);
  }
  if (does_not_obey(state, node, now)) {
    return enter_fault(state, effects, now, node,
                       "it was to be switched on, and after " + seconds(now.mono - *node.tried) + " " + node.failed);
  }
  if (is_overdue(state, node, now)) return give_up_start(state, effects, now, node);
  if (node.acted) return;
  node.waits = start_must_wait(state, now, node);
  if (node.waits.empty()) give_power(state, effects, now, node);
}

// A silent node is not shut down cleanly; only force takes its power.
bool leaves_as_wished(State& state, Effects& effects, Now now, PowerNode& node) {
  const bool force = node.record.how == PowerHow::force;
  if (auto why = why_kept_on(state, node.record.node); !why.empty()) {
    node.waits = "never switched off: " + why;
    return false;
  }
  node.waits = "not heard: it cannot be shut down cleanly before it is; --force takes its power all the same";
  if (!is_up(state, node) && !force) return false;
  node.record.boot_before = boot_of(state, node);
  const std::string cause = cause_of_wish(node.record);
  if (!is_up(state, node)) {
    take_down(state, effects, now, node, cause, false);
  } else {
    enter(state, effects, now, node, force ? PowerState::halting : PowerState::draining, cause, node.record.who);
  }
  return true;
}

void step_on(State& state, Effects& effects, Now now, PowerNode& node) {
  node.waits.clear();
  if (now.mono - node.since >= state.config.power.steady_ms) node.record.starts = 0;
  if (wants_away(node.record) && leaves_as_wished(state, effects, now, node)) return;
  if (is_stuck(state, node)) {
    node.waits = "its warden to answer: it beats and makes no progress";
    leaves_for_silence(state, effects, now, node);
    return;
  }
  if (is_up(state, node)) {
    if (reads(state, node.lines.supply, false)) node.waits = "its line reads off, and it beats: is active_low right?";
    return;
  }
  if (said_goodbye(state, node)) return enter_stopped(state, effects, now, node);
  if (reads(state, node.lines.supply, false)) return find_off(state, effects, now, node);
  leaves_for_silence(state, effects, now, node);
}

void note_signs_of_life(State& state, PowerNode& node, Now now) {
  const Node* known = cluster_node(state, node);
  if (known == nullptr || known->state != NodeState::on) return;
  if (!is_stuck(state, node)) node.up = now.mono;
  if (!known->attempts.empty()) node.idle = now.mono;
}

}  // namespace

void step_power(State& state, Effects& effects, Now now, PowerNode& node) {
  note_signs_of_life(state, node, now);
  if (node.adopting) return;
  switch (node.record.state) {
    case PowerState::unknown:
      return step_unknown(state, effects, now, node);
    case PowerState::stopped:
      return step_stopped(state, effects, now, node);
    case PowerState::off:
      return step_off(state, effects, now, node);
    case PowerState::starting:
      return step_starting(state, effects, now, node);
    case PowerState::on:
      return step_on(state, effects, now, node);
    case PowerState::draining:
      return step_draining(state, effects, now, node);
    case PowerState::halting:
      return step_halting(state, effects, now, node);
    case PowerState::cutting:
      return step_cutting(state, effects, now, node);
    case PowerState::cool_down:
      return step_cool_down(state, effects, now, node);
    case PowerState::suspect:
      return step_suspect(state, effects, now, node);
    case PowerState::fencing:
      return step_fencing(state, effects, now, node);
    case PowerState::fault:
      return step_fault(state, effects, now, node);
  }
}

}  // namespace bramble::aggregator
