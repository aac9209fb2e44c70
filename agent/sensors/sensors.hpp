// All sources together, on a thread of their own: a chip that hangs must not hold up a beat.
//
// A source that hangs is left to its thread, and a new thread reads the others; when it answers after all, it is used
// again. So there are never more threads than sources that hang, and one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/reading.hpp"
#include "agent/sensors/source.hpp"

namespace bramble::sensors {

inline constexpr int64_t kHangMs = 2000;

// What a source has to say for the first time, for the log: "sensor power: ..."
using Complaints = std::vector<std::string>;

class Sensors {
 public:
  // `deliver` is called in one of the threads with each reading; not any more once the destructor has begun.
  // Complaints: each source's first trouble, and its recovery; `sensors_failed` in the values counts those in trouble
  // now.
  using Deliver = std::function<void(agent::Reading, Complaints)>;

  Sensors(Roots roots, std::vector<std::unique_ptr<Source>> sources, Deliver deliver);
  ~Sensors();  // does not wait for what hangs

  // Asks for a reading; never blocks. While one is under way nothing happens, but that a source which has taken longer
  // than kHangMs is left behind. Call it at each interval.
  void request(MonoTime now);

 private:
  struct Shared;
  static void work(std::shared_ptr<Shared> shared, uint64_t generation);
  void start_thread();

  std::shared_ptr<Shared> shared_;
  bool started_ = false;  // with the first request: by then the loop has taken the process' signals to itself
};

}  // namespace bramble::sensors
