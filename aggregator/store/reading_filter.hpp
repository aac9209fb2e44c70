// Which readings are taken: each once, and none that is older than what is kept. Pure; one thread's, or under a lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include "common/base/clock.hpp"
#include "common/wire/messages.hpp"

namespace bramble::aggregator {

// Numbers that were seen, as ranges. When there are too many ranges the lowest is forgotten: what comes again from
// there counts as new.
class SeenNumbers {
 public:
  static constexpr size_t kMaxRanges = 1024;

  bool add(uint64_t number);  // false: it was there
  size_t ranges() const { return last_of_.size(); }

 private:
  std::map<uint64_t, uint64_t> last_of_;  // by the first of each range
};

// A reading is named by (node, run, number), and taken once. What is remembered is limited: the two newest runs of a
// node, kMaxRanges ranges of each, kMaxNodes nodes; nothing outlives the process. Readings of an agent that says no run
// (0) are all taken.
class ReadingFilter {
 public:
  static constexpr size_t kMaxNodes = 20'000;

  enum class Verdict { take, duplicate, too_old };

  explicit ReadingFilter(int64_t max_age_ms) : max_age_ms_(max_age_ms) {}  // 0: of any age

  Verdict judge(const std::string& node, const wire::Telemetry& reading);

 private:
  struct Run {
    uint64_t run = 0;
    SeenNumbers seen;
  };
  struct Node {
    Run newest;
    Run before;
  };
  const int64_t max_age_ms_;
  std::unordered_map<std::string, Node> nodes_;
};

// When a reading was taken, by this machine's clock: received, less its age. The node's own clock does not count.
constexpr int64_t taken_us(WallTime received, const wire::Telemetry& reading) {
  return (received.ms - reading.age_ms) * 1000;
}

}  // namespace bramble::aggregator
