// Operations on lines: asked for, awaited, given up, and what their reports mean.
//
// Reads are asked for again and again; a switch that was not done is asked for again, for it is idempotent; a press
// never is, whatever became of it: what follows shows whether it worked.
#include <algorithm>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/power_internal.hpp"
#include "aggregator/core/reactor.hpp"

namespace bramble::aggregator {
namespace {

constexpr uint32_t kMaxFailedReads = 3;  // then what is stored has to do

std::string action_name(LineAction action, int64_t press_ms) {
  switch (action) {
    case LineAction::read:
      return "read";
    case LineAction::switch_on:
      return "switched on";
    case LineAction::switch_off:
      return "switched off";
    case LineAction::press:
      return "pressed for " + std::to_string(press_ms) + " ms";
  }
  return "";
}

std::string what_was_read(const PowerLine& line, const std::string& error) {
  if (!error.empty()) return error;
  if (!line.level) return "done; its level cannot be read";
  return *line.level ? "reads on" : "reads off";
}

PowerNode& owner_of(State& state, LineIndex line) { return state.power.nodes.at(state.config.power.lines[line].node); }

// Something was seen on the line that nobody asked for, or it is gone: said once.
void note_error(State& state, Effects& effects, LineIndex index, const std::string& error) {
  PowerLine& line = state.power.lines[index];
  const LineSpec& spec = state.config.power.lines[index];
  if (error == line.error) return;
  if (!error.empty()) effects.warn("line " + spec.name + " of node " + spec.node + ": " + error);
  if (error.empty()) effects.info("line " + spec.name + " of node " + spec.node + " answers again");
  line.error = error;
}

// A switch or a press has ended, one way or the other.
void on_acted(State& state, Effects& effects, Now now, LineIndex index, LineAction action, int64_t press_ms,
              std::string error) {
  PowerNode& node = owner_of(state, index);
  const PowerLine& line = state.power.lines[index];
  const bool wanted = action == LineAction::switch_on;
  const bool is_press = action == LineAction::press;
  if (!is_press && error.empty() && line.level.value_or(wanted) != wanted) {
    error = std::string("it was switched ") + (wanted ? "on and reads off" : "off and reads on");
  }
  const bool starts = action == LineAction::switch_on || node.record.state == PowerState::starting;
  if (starts) state.power.supplies[node.supply].started = now.mono;
  if (is_press) {
    node.record.press_open = false;
    put_power(effects, node);
  }
  const std::string who = node.record.wish == PowerWish::none ? std::string(kAutomation) : node.record.who;
  if (error.empty() || error != node.failed) {  // tries that fail alike are told once
    audit(state, effects, now, who, node.record.node,
          action_name(action, press_ms) + " (" + state.config.power.lines[index].name + ")", node.record.cause,
          what_was_read(line, error));
  }
  if (!node.acted) return;  // of a state that was left
  node.failed = error;
  if (error.empty()) {
    node.acted_at = now.mono;
  } else if (!is_press) {
    node.acted = false;  // is asked for again
  }
}

void give_up(State& state, Effects& effects, Now now, LineIndex index) {
  PowerLine& line = state.power.lines[index];
  line.pending = 0;
  line.level.reset();
  line.power_mw.reset();
  ++line.reads_failed;
  note_error(state, effects, index, "it has not answered for " + seconds(line.pending_ms));
  if (line.pending_action != LineAction::read) {
    on_acted(state, effects, now, index, line.pending_action, line.press_ms, line.error);
  }
}

// A slow commit held it back, and that is not the line's fault: its time begins with the first look after the commit.
void note_release(const State& state, PowerLine& line, Now now) {
  if (line.asked_batch == 0 || line.asked_batch == state.power.batch) return;
  line.asked_batch = 0;
  line.asked = now.mono;
}

bool is_watched(const PowerNode& node) {
  if (node.adopting) return true;
  switch (node.record.state) {
    case PowerState::halting:
    case PowerState::cutting:
    case PowerState::fencing:
    case PowerState::starting:
      return true;
    case PowerState::off:
    case PowerState::cool_down:
      return !node.record.off_proved;
    default:
      return false;
  }
}

bool was_read(const PowerLine& line) {
  return (line.told && line.error.empty()) || line.reads_failed >= kMaxFailedReads;
}

bool are_read(const State& state, const PowerLines& lines) {
  for (const auto& line : {lines.supply, lines.button, lines.reset, lines.halted, lines.meter}) {
    if (line && !was_read(state.power.lines[*line])) return false;
  }
  return true;
}

}  // namespace

bool is_being_switched(const State& state, const PowerNode& node) {
  const PowerLines& lines = node.lines;
  for (const auto& line : {lines.supply, lines.button, lines.reset}) {
    if (!line) continue;
    const PowerLine& one = state.power.lines[*line];
    if (one.pending != 0 && one.pending_action != LineAction::read) return true;
  }
  return false;
}

void ask_line(State& state, Effects& effects, Now now, LineIndex index, LineAction action, int64_t press_ms) {
  PowerLine& line = state.power.lines[index];
  const LineOp op{++state.power.last_op, index, action, press_ms};
  line.pending = op.number;
  line.pending_action = action;
  line.pending_ms = state.config.power.op_limit_ms + press_ms;
  line.press_ms = press_ms;
  line.asked = now.mono;
  line.asked_batch = state.power.batch;
  effects.lines.push_back(op);
}

void on_line(State& state, Effects& effects, Now now, const LineReport& report) {
  if (report.line >= state.power.lines.size()) return;
  PowerLine& line = state.power.lines[report.line];
  // What was read before a switch that is under way says nothing about after it.
  if (report.number && *report.number != line.pending) return;
  const LineAction action = line.pending_action;
  if (report.number) line.pending = 0;
  line.level = report.level;
  line.power_mw = report.power_mw;
  line.told = now.mono;
  line.reads_failed = report.error.empty() ? 0 : line.reads_failed + 1;
  // A line that answers and does not obey is not gone: that is its node's trouble.
  const bool acted = report.number && action != LineAction::read;
  note_error(state, effects, report.line, acted && report.level ? "" : report.error);
  if (acted) on_acted(state, effects, now, report.line, action, line.press_ms, report.error);
}

void watch_lines(State& state, Effects& effects, Now now) {
  for (LineIndex index = 0; index < state.power.lines.size(); ++index) {
    PowerLine& line = state.power.lines[index];
    if (line.pending != 0 && line.asked_batch == state.power.batch) continue;  // it has not left yet
    note_release(state, line, now);
    if (line.pending != 0 && now.mono - *line.asked > line.pending_ms) give_up(state, effects, now, index);
    if (line.pending != 0) continue;
    const PowerConfig& config = state.config.power;
    const int64_t every_ms = is_watched(owner_of(state, index)) ? config.watch_ms : config.read_ms;
    if (now.mono - *line.asked >= every_ms) ask_line(state, effects, now, index, LineAction::read);
  }
  for (auto& [name, node] : state.power.nodes) {
    if (node.adopting && are_read(state, node.lines)) adopt(state, effects, now, node);
  }
}

namespace {

// Between two tries of a switch that was not done.
bool may_ask_again(const State& state, LineIndex line, const PowerNode& node, Now now) {
  const auto asked = state.power.lines[line].asked;
  const bool was_tried = asked && *asked > node.since && state.power.lines[line].pending_action != LineAction::read;
  return !was_tried || now.mono - *asked >= state.config.power.watch_ms;
}

// Written down in the step in which it is asked for: it is on disk before it begins.
void press(State& state, Effects& effects, Now now, PowerNode& node, LineIndex line, int64_t press_ms) {
  ++node.record.presses;
  node.record.press_open = true;
  node.acted = true;
  if (!node.tried) node.tried = now.mono;
  put_power(effects, node);
  ask_line(state, effects, now, line, LineAction::press, press_ms);
}

void flip(State& state, Effects& effects, Now now, PowerNode& node, LineIndex line, LineAction action) {
  if (!may_ask_again(state, line, node, now)) return;
  node.acted = true;
  if (!node.tried) node.tried = now.mono;
  ask_line(state, effects, now, line, action);
}

}  // namespace

void take_power(State& state, Effects& effects, Now now, PowerNode& node) {
  const PowerLines& lines = node.lines;
  if (lines.supply) return flip(state, effects, now, node, *lines.supply, LineAction::switch_off);
  if (!lines.button) return enter_fault(state, effects, now, node, "it has no line any more that takes its power");
  press(state, effects, now, node, *lines.button, state.config.power.lines[*lines.button].long_press_ms);
}

void give_power(State& state, Effects& effects, Now now, PowerNode& node) {
  const PowerLines& lines = node.lines;
  if (lines.supply) return flip(state, effects, now, node, *lines.supply, LineAction::switch_on);
  if (!can_be_switched(lines)) return enter_fault(state, effects, now, node, "it has no line any more that starts it");
  const LineIndex line = lines.button ? *lines.button : *lines.reset;
  press(state, effects, now, node, line, state.config.power.lines[line].press_ms);
}

}  // namespace bramble::aggregator
