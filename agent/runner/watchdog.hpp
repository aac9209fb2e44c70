// Feeds the machine's hardware watchdog from the event loop: a loop that hangs, or a kernel that does, is a machine
// that boots again. It depends on nothing else - not on a broker, not on the warden: a node without a network must not
// boot for ever.
//
// A watchdog that was opened counts down until it is fed, or stopped in the regular way. A process that dies stops
// nothing: its successor has the rest of the time to open the device again.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/runner/watchdog_calls.hpp"
#include "common/posix/event_loop.hpp"

namespace bramble::runner {

// Belongs to the loop's thread, and must end before the loop does.
class Watchdog {
 public:
  static constexpr int kTimeoutS = 15;  // the most that the Raspberry Pi's has

  using Say = std::function<void(std::string line)>;

  // device: empty for none; then nothing is ever done.
  Watchdog(posix::EventLoop& loop, std::string device, Say say,
           std::unique_ptr<WatchdogCalls> calls = std::make_unique<WatchdogCalls>());
  ~Watchdog();  // leaves it counting, if it was not stopped
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void start();  // says what came of it; an agent without its watchdog goes on
  void stop();   // the agent ends, and its machine goes on

 private:
  void set_timeout();
  void feed();

  posix::EventLoop& loop_;
  const std::string device_;
  const Say say_;
  const std::unique_ptr<WatchdogCalls> calls_;
  int fd_ = -1;
  int timeout_s_ = 0;
  bool failure_said_ = false;
  posix::EventLoop::TimerId timer_ = 0;
};

}  // namespace bramble::runner
