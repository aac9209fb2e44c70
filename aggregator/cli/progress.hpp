// How far a job is: counts, rate and time left, in one line.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "common/base/clock.hpp"

namespace bramble::cli {

struct ProgressCounts {
  uint64_t total = 0;
  uint64_t succeeded = 0;
  uint64_t failed = 0;
  uint64_t cancelled = 0;
  uint64_t running = 0;
  bool open = false;  // the total still grows: no time left is told

  uint64_t ended() const { return succeeded + failed + cancelled; }
};

// The rate is that of the last half minute, so that it follows nodes that come and go.
class Progress {
 public:
  void update(MonoTime now, const ProgressCounts& counts);

  double tasks_per_s() const;
  std::optional<int64_t> left_ms() const;  // nothing before the first tasks have ended
  std::string line() const;                // "420/1000 done, 2 failed, 8 running, 35.1/s, 17s left"; done: succeeded

 private:
  struct Point {
    MonoTime at;
    uint64_t ended = 0;
  };

  ProgressCounts counts_;
  std::deque<Point> points_;  // one a second at most, over kWindowMs
};

}  // namespace bramble::cli
