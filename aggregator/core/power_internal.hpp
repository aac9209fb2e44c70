// Shared between the files of the power state machine; not for others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aggregator/core/effects.hpp"
#include "aggregator/core/state.hpp"

namespace bramble::aggregator {

inline constexpr std::string_view kAutomation = "automation";

// --- the node's states (power_states.cpp, power_leaving.cpp, power_recovery.cpp) ---
// Moves by one state at most; called for each node at each tick, and after each request.
void step_power(State& state, Effects& effects, Now now, PowerNode& node);
void step_draining(State& state, Effects& effects, Now now, PowerNode& node);
void step_halting(State& state, Effects& effects, Now now, PowerNode& node);
void step_cutting(State& state, Effects& effects, Now now, PowerNode& node);
void step_stopped(State& state, Effects& effects, Now now, PowerNode& node);
void step_suspect(State& state, Effects& effects, Now now, PowerNode& node);
void step_fencing(State& state, Effects& effects, Now now, PowerNode& node);
void step_fault(State& state, Effects& effects, Now now, PowerNode& node);
// It was to be switched off or pressed, and after `limit_ms`, a press and the hold it is not shown that it has no
// power.
bool is_cut_overdue(const State& state, const PowerNode& node, Now now, int64_t limit_ms);
// To cutting, or past it where there is nothing to cut.
void take_down(State& state, Effects& effects, Now now, PowerNode& node, const std::string& cause, bool halted);
// From on, unknown or draining: silent for the recovery time.
bool leaves_for_silence(State& state, Effects& effects, Now now, PowerNode& node);
void enter(State& state, Effects& effects, Now now, PowerNode& node, PowerState to, const std::string& cause,
           std::string_view who);
void enter_stopped(State& state, Effects& effects, Now now, PowerNode& node);
// Somebody switched it, or its fuse did: what was wanted of it before is over.
void find_off(State& state, Effects& effects, Now now, PowerNode& node);
void enter_fault(State& state, Effects& effects, Now now, PowerNode& node, const std::string& sentence);
// Its lines were read for the first time: what was stored is held against what they show.
void adopt(State& state, Effects& effects, Now now, PowerNode& node);
void watch_idle(State& state, Effects& effects, Now now);  // power_idle.cpp

// --- what is known (power_observe.cpp) ---
std::string boot_of(State& state, const PowerNode& node);
bool is_new_boot(State& state, const PowerNode& node);  // up, and not as it was before its power was taken
std::string cause_of_wish(const PowerRecord& record);
Node* cluster_node(State& state, const PowerNode& node);
bool is_up(State& state, const PowerNode& node);
// It beats, and its warden has not answered it for a while: a disk or a kernel hangs, and no task makes progress.
bool is_stuck(const Node& node);
bool is_stuck(State& state, const PowerNode& node);
bool can_be_switched(const PowerLines& lines);  // not only read
bool is_reset_only(const PowerLines& lines);  // its power cannot be taken: it runs until the pulse that starts it anew
bool said_goodbye(State& state, const PowerNode& node);
// How long it has made no progress while we could have seen some.
int64_t unheard_ms(State& state, const PowerNode& node, Now now);
int64_t recovery_ms(const State& state, const PowerNode& node);
std::optional<bool> level_of(const State& state, const std::optional<LineIndex>& line);
inline bool reads(const State& state, const std::optional<LineIndex>& line, bool level) {
  return level_of(state, line) == std::optional(level);
}
enum class Halt { seen, not_seen, cannot_tell };
Halt halt_of(State& state, const PowerNode& node);
bool is_lease_over(State& state, const PowerNode& node, Now now);
// Empty: its power was taken, read back and held. Else what is missing yet.
std::string missing_of_cut(State& state, const PowerNode& node, Now now);
// As soon as it is proved that it has no power: what ran there is dead, and said to be.
void watch_proof(State& state, Effects& effects, Now now, PowerNode& node);
// Why a node is never switched off; empty: it may be.
std::string why_protected(const State& state, const std::string& name);
std::string why_kept_on(const State& state, const std::string& name);
bool wants_away(const PowerRecord& record);  // off, or off and on again
// While the automation is paused nothing is switched that no person asked for.
bool is_paused_for(const State& state, const PowerNode& node);

// --- lines (power_lines.cpp) ---
void ask_line(State& state, Effects& effects, Now now, LineIndex line, LineAction action, int64_t press_ms = 0);
void watch_lines(State& state, Effects& effects, Now now);
bool is_being_switched(const State& state, const PowerNode& node);  // or pressed: asked for and not reported
// Switches or presses what the state needs, once; again only where that is idempotent.
void take_power(State& state, Effects& effects, Now now, PowerNode& node);
void give_power(State& state, Effects& effects, Now now, PowerNode& node);

// --- supplies (power_supplies.cpp) ---
// Why a start, or a second try of one, must wait; empty: it is taken to be done now.
std::string start_must_wait(State& state, Now now, const PowerNode& node);
bool take_cut_token(State& state, Now now, const PowerNode& node);
int64_t drawn_mw(const State& state, const PowerSupply& supply, size_t index);

// --- records (power.cpp) ---
void put_power(Effects& effects, const PowerNode& node);
void audit(const State& state, Effects& effects, Now now, std::string_view who, const std::string& node,
           const std::string& action, const std::string& why, const std::string& result);
std::string watts(int64_t mw);    // "12.5 W"
std::string seconds(int64_t ms);  // "90 s"
void wish(PowerNode& node, Now now, PowerWish what, PowerHow how, std::string_view who, const std::string& why,
          bool by_person);
void load_power(State& state, Effects& effects, Now now, const LoadedState& loaded);
void watch_power(State& state, Effects& effects, Now now);
// The node comes to be known after its lines: what its power state means for its work.
void mark_power(State& state, PowerNode& node);

// --- requests (power_requests.cpp) ---
ApiReply switch_power(State& state, Effects& effects, Now now, const Caller& caller, const PowerRequest& request);
ApiReply pause_power(State& state, Effects& effects, Now now, const Caller& caller, const PowerPauseRequest& request);
ApiReply clear_faults(State& state, Effects& effects, Now now, const Caller& caller, const ClearFaultRequest& request);

}  // namespace bramble::aggregator
