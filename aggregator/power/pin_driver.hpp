// The rules for a line that is a wire: taken over as it stands, read back after each switch, pressed by a child, looked
// for again when it is gone.
#pragma once

#include <memory>
#include <optional>

#include "aggregator/power/line_driver.hpp"
#include "aggregator/power/pin.hpp"
#include "common/posix/event_loop.hpp"
#include "common/posix/process.hpp"

namespace bramble::aggregator {

class PinDriver : public LineDriver {
 public:
  // `loop` is the hand's and outlives this object.
  PinDriver(LineRole role, std::unique_ptr<Pin> pin, posix::EventLoop& loop);
  ~PinDriver() override;  // a press under way goes on, and ends by itself

  void begin(const LineOp& op, Done done) override;

  // Inputs are read rather than waited for: expanders without an interrupt line tell of no edges. A pin that is gone is
  // told once, and looked for every kRetakeMs.
  std::optional<LineOutcome> look(MonoTime now) override;

 private:
  Status take();
  LineOutcome switch_to(bool level);
  void press(int64_t press_ms, Done done);
  void end_press(posix::ExitStatus status);
  LineOutcome read();
  LineOutcome lost(const Error& error);

  const LineRole role_;
  const std::unique_ptr<Pin> pin_;
  posix::EventLoop& loop_;
  bool taken_ = false;
  std::optional<bool> level_;  // as it was last told
  std::string trouble_;        // as it was last told; empty: none
  MonoTime next_take_;
  std::optional<posix::Process> press_;
  posix::EventLoop::TimerId press_limit_ = 0;
  Done press_done_;
};

}  // namespace bramble::aggregator
