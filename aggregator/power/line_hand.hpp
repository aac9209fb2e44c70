// The thread that drives the lines for the reactor.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "aggregator/power/line_config.hpp"
#include "aggregator/power/line_driver.hpp"
#include "common/posix/event_loop.hpp"

namespace bramble::aggregator {

inline constexpr size_t kMaxWaitingLineOps = 4096;

// Makes the driver of each line. Called in the hand's constructor; drivers may keep the loop.
using MakeLineDriver = std::function<std::unique_ptr<LineDriver>(const LineConfig&, posix::EventLoop&)>;

// Operations of one line are done in their order; those of different lines do not wait for each other's programs and
// presses. All GPIO lines are taken over within moments of the start, without an edge, and kept until the end.
class LineHand {
 public:
  // `report` is called on the hand's thread, in add() for an operation that found the queue full, and not in or after
  // the destructor.
  LineHand(const std::vector<LineConfig>& lines, std::function<void(LineReport)> report);
  LineHand(const std::vector<LineConfig>& lines, std::function<void(LineReport)> report, const MakeLineDriver& make);
  ~LineHand();  // waits for nothing: programs are killed, a press ends by itself, what waits is left out
  LineHand(const LineHand&) = delete;
  LineHand& operator=(const LineHand&) = delete;

  // Thread-safe. At most kMaxWaitingLineOps wait; one too many is answered with an error at once.
  void add(std::vector<LineOp> ops);

 private:
  struct Lane {
    std::unique_ptr<LineDriver> driver;
    std::deque<LineOp> waiting;
    bool busy = false;
  };

  void take_new();
  void begin_next(LineIndex line);
  void finish(const LineOp& op, LineOutcome outcome);
  void look();

  const std::function<void(LineReport)> report_;
  posix::EventLoop loop_;
  std::vector<Lane> lanes_;  // the hand's thread
  std::mutex mutex_;
  std::vector<LineOp> new_ops_;
  size_t waiting_ = 0;  // new ones, and those in the lanes
  std::thread thread_;
};

}  // namespace bramble::aggregator
