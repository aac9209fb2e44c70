// Which faults befall whom, and when: all of it follows from the seed.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "history.hpp"

namespace bramble::test::chaos {

struct PlannedFault {
  FaultKind kind = FaultKind::agent_killed;
  size_t node = 0;
  int64_t begin_ms = 0;
  int64_t end_ms = 0;
};
std::string to_string(const PlannedFault& fault);

struct PlanLimits {
  size_t agents = 3;
  int64_t total_ms = 20'000;        // every fault is over by then
  int64_t longest_cut_ms = 10'000;  // of a link; at least 2 s
  bool disk_may_be_full = true;
};

// By their begins. No two of them have one part (a process, a link, the disk) in hand at the same time.
std::vector<PlannedFault> make_plan(uint64_t seed, const PlanLimits& limits);

// The same on every machine, which the standard's distributions are not.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }
  bool chance(int percent) { return between(0, 99) < percent; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace bramble::test::chaos
