// Calls things when their time has come, on one thread of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace bramble::aggregator::http {

// Thread-safe. Handlers must not block.
class Deadlines {
 public:
  using Id = uint64_t;

  Deadlines();
  ~Deadlines() { stop(); }
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;

  Id call_after(int64_t delay_ms, std::function<void()> handler);  // never after stop()
  void cancel(Id id);                                              // one that is over is passed over
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<Clock::time_point, Id>, std::function<void()>> by_time_;
  std::map<Id, Clock::time_point> time_of_;
  Id last_id_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace bramble::aggregator::http
