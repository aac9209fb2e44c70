#include "aggregator/power/pin_driver.hpp"

#include <csignal>

#include "aggregator/power/press.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kRetakeMs = 2'000;
constexpr int64_t kPressGraceMs = 2'000;  // after which a child that was stopped in a press is ended

const char* level_name(LineRole role, bool level) {
  if (role == LineRole::supply) return level ? "on" : "off";
  return level ? "pressed" : "released";
}

bool is_pressed_kind(LineRole role) { return role == LineRole::button || role == LineRole::reset; }

// Empty: it does.
std::string why_it_does_not_fit(LineRole role, LineAction action) {
  if (action == LineAction::read) return {};
  if (action == LineAction::press) return is_pressed_kind(role) ? "" : "only a button or a reset line can be pressed";
  return role == LineRole::supply ? "" : "only a supply can be switched";
}

}  // namespace

PinDriver::PinDriver(LineRole role, std::unique_ptr<Pin> pin, posix::EventLoop& loop)
    : role_(role), pin_(std::move(pin)), loop_(loop) {}

PinDriver::~PinDriver() {
  if (!press_) return;
  press_->forget_exit(loop_);
  loop_.cancel(press_limit_);
}

void PinDriver::begin(const LineOp& op, Done done) {
  if (std::string misfit = why_it_does_not_fit(role_, op.action); !misfit.empty()) {
    return done({{}, {}, std::move(misfit)});
  }
  if (const Status status = take(); !status) return done(lost(status.error()));
  switch (op.action) {
    case LineAction::read:
      return done(read());
    case LineAction::switch_on:
      return done(switch_to(true));
    case LineAction::switch_off:
      return done(switch_to(false));
    case LineAction::press:
      return press(op.press_ms, std::move(done));
  }
}

Status PinDriver::take() {
  if (taken_) return {};
  Status status = pin_->take();
  taken_ = status.has_value();
  return status;
}

// What it is about has been told with this outcome: look() says it no second time.
LineOutcome PinDriver::lost(const Error& error) {
  if (taken_) pin_->release();
  taken_ = false;
  level_.reset();
  trouble_ = error.message;
  return {{}, {}, error.message};
}

LineOutcome PinDriver::read() {
  const auto level = pin_->read();
  if (!level) return lost(level.error());
  level_ = *level;
  trouble_.clear();
  return {*level, {}, {}};
}

LineOutcome PinDriver::switch_to(bool level) {
  if (const Status status = pin_->drive(level); !status) return lost(status.error());
  LineOutcome outcome = read();
  if (outcome.level && *outcome.level != level) {
    outcome.error = std::string("it was switched ") + level_name(role_, level) + " and reads back " +
                    level_name(role_, !level) + ": look at the wiring and at what else drives this line";
  }
  return outcome;
}

void PinDriver::press(int64_t press_ms, Done done) {
  auto child = start_press(*pin_, press_ms);
  if (!child) return done({{}, {}, "cannot press: " + child.error().message});
  press_ = std::move(*child);
  press_done_ = std::move(done);
  press_->on_exit(loop_, [this](posix::ExitStatus status) { end_press(status); });
  press_limit_ = loop_.call_after(press_ms + kPressGraceMs, [this] { press_->kill(SIGKILL); });
}

void PinDriver::end_press(posix::ExitStatus status) {
  loop_.cancel(press_limit_);
  press_.reset();
  const Status released = pin_->drive(false);  // changes nothing, except after a child that was killed in the press
  LineOutcome outcome = released ? read() : lost(released.error());
  if (outcome.level.value_or(false)) {
    outcome.error = "it still reads pressed after the press: look at active_low and the wiring";
  } else if (!status.success() && outcome.error.empty()) {
    outcome.error = "the press was cut short, with status " + std::to_string(status.shell_code());
  }
  std::exchange(press_done_, {})(std::move(outcome));
}

std::optional<LineOutcome> PinDriver::look(MonoTime now) {
  if (!taken_ && now < next_take_) return {};
  next_take_ = now + kRetakeMs;
  const std::string told = trouble_;
  const auto before = level_;
  const Status status = take();
  LineOutcome outcome = status ? read() : lost(status.error());
  if (outcome.error.empty() && told.empty() && (!before || outcome.level == before)) return {};
  if (!outcome.error.empty() && outcome.error == told) return {};
  return outcome;
}

}  // namespace bramble::aggregator
