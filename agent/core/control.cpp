// What the aggregator wants of the whole machine. It is only asked for: the agent goes on, and says goodbye when the
// machine that shuts down stops it like any other daemon. A machine that does not shut down is so never taken for one
// that did.
#include "agent/core/internal.hpp"
#include "agent/core/reactor.hpp"

namespace bramble::agent {
namespace {

std::string_view in_words(wire::ControlAction action) {
  return action == wire::ControlAction::shutdown ? "shut down" : "boot again";
}

// It is said again until the node is silent; asked for anew when the machine has let that pass, or has failed to do it.
bool is_repetition(const State& state, Now now, wire::ControlAction action) {
  if (!state.halt || state.halt->action != action) return false;
  return now.mono - state.halt->asked < (state.halt->failed ? kHaltFailedMs : kHaltAgainMs);
}

}  // namespace

void handle_control(State& state, Effects& effects, Now now, const wire::Control& control) {
  if (state.stopping || state.link.phase != Link::Phase::up) return;
  if (!passes_store_fence(state, effects, control.store, control.term)) return;
  if (state.session.id == 0 || control.session != state.session.id) {
    ++state.counts.fenced;
    return;
  }
  if (is_repetition(state, now, control.action)) return;
  state.halt = Halt{control.action, now.mono};
  effects.halt = control.action;
  const std::string why = control.why.empty() ? "" : ": " + shortened(control.why, 300);
  effects.log.push_back("the aggregator asks this machine to " + std::string(in_words(control.action)) + why);
}

void on_halt_failed(State& state, Effects& effects, Now, std::string_view why) {
  const std::string_view wanted = state.halt ? in_words(state.halt->action) : "shut down";
  if (state.halt) state.halt->failed = true;
  effects.log.push_back("this machine does not " + std::string(wanted) + ": " + shortened(why, 500));
}

}  // namespace bramble::agent
