// A supply that a person's programs switch: uhubctl, a PoE switch, clusterctrl, a smart plug.
#pragma once

#include "aggregator/power/line_config.hpp"
#include "aggregator/power/line_driver.hpp"
#include "aggregator/power/program_run.hpp"

namespace bramble::aggregator {

// After `on` or `off` the status is asked until it agrees or the time is over: a switch may take a moment. Programs
// run in /, without standard input.
class CommandDriver : public LineDriver {
 public:
  CommandDriver(CommandPlace place, posix::EventLoop& loop) : place_(std::move(place)), loop_(loop), program_(loop) {}
  ~CommandDriver() override;

  void begin(const LineOp& op, Done done) override;

 private:
  void switch_to(bool level);
  void ask(std::optional<bool> wanted);
  void take_status(std::optional<bool> wanted, const ProgramEnd& end);
  void run(const std::vector<std::string>& argv, std::function<void(const ProgramEnd&)> then);
  int64_t left_ms() const;
  void finish(LineOutcome outcome);

  const CommandPlace place_;
  posix::EventLoop& loop_;
  ProgramRun program_;
  MonoTime until_;
  posix::EventLoop::TimerId again_ = 0;
  Done done_;
};

}  // namespace bramble::aggregator
