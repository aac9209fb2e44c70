#include "aggregator/power/command_driver.hpp"

#include "common/base/utf8.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kAskAgainMs = 300;
constexpr size_t kShownBytes = 200;

std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  return to_utf8(text.substr(text.rfind('\n') + 1), kShownBytes);
}

std::string how_it_ended(const std::string& program, const ProgramEnd& end, int64_t limit_ms) {
  std::string text = end.status ? program + " ended with status " + std::to_string(end.status->shell_code())
                                : program + " was ended at its time limit of " + std::to_string(limit_ms) + " ms";
  const std::string said = last_line(end.output);
  return said.empty() ? text : text + ": " + said;
}

}  // namespace

CommandDriver::~CommandDriver() { loop_.cancel(again_); }

void CommandDriver::begin(const LineOp& op, Done done) {
  done_ = std::move(done);
  until_ = posix::mono_now() + place_.limit_ms;
  switch (op.action) {
    case LineAction::read:
      return ask({});
    case LineAction::switch_on:
      return switch_to(true);
    case LineAction::switch_off:
      return switch_to(false);
    case LineAction::press:
      return finish({{}, {}, "a command switches a supply; it cannot be pressed"});
  }
}

void CommandDriver::switch_to(bool level) {
  const auto& argv = level ? place_.on : place_.off;
  run(argv, [this, level, program = argv.front()](const ProgramEnd& end) {
    if (end.status && end.status->success()) return ask(level);
    finish({{}, {}, how_it_ended(program, end, place_.limit_ms)});
  });
}

void CommandDriver::ask(std::optional<bool> wanted) {
  if (place_.status.empty()) return finish({});
  run(place_.status, [this, wanted](const ProgramEnd& end) { take_status(wanted, end); });
}

void CommandDriver::take_status(std::optional<bool> wanted, const ProgramEnd& end) {
  const bool answered = end.status && end.status->signal == 0 && end.status->code <= 1;
  if (!answered) return finish({{}, {}, how_it_ended(place_.status.front(), end, place_.limit_ms)});
  const bool level = end.status->code == 0;
  if (!wanted || *wanted == level) return finish({level, {}, {}});
  if (left_ms() > kAskAgainMs) {
    again_ = loop_.call_after(kAskAgainMs, [this, wanted] { ask(wanted); });
    return;
  }
  finish({level,
          {},
          std::string("it was switched ") + (level ? "off" : "on") + " and its status says " + (level ? "on" : "off")});
}

int64_t CommandDriver::left_ms() const { return until_ - posix::mono_now(); }

void CommandDriver::run(const std::vector<std::string>& argv, std::function<void(const ProgramEnd&)> then) {
  const Status status = program_.start(argv, std::max<int64_t>(left_ms(), 1), std::move(then));
  if (!status) finish({{}, {}, status.error().message});
}

void CommandDriver::finish(LineOutcome outcome) { std::exchange(done_, {})(std::move(outcome)); }

}  // namespace bramble::aggregator
