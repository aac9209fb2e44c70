// How bad the simulated world is, and the bugs that can be planted to see that the simulator finds them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bramble::sim {

struct Faults {
  double message_lost = 0.03;
  double message_twice = 0.03;
  double message_late = 0.02;  // by up to 3 s: others overtake it
  double broken_step = 0.25;   // of each half second of the bad time: something breaks
};

enum class Bug {
  none,
  effects_before_commit,  // the aggregator lets effects out before its transaction is durable
  done_when_sent,         // an agent forgets a result when it was sent instead of when it was acknowledged
};

struct Options {
  uint64_t seed = 1;
  uint32_t nodes = 3;
  int64_t bad_ms = 60'000;     // faults and submissions
  int64_t settle_ms = 60'000;  // without faults: while jobs are open, something must move in each such time
  Faults faults;
  Bug bug = Bug::none;
};

struct Report {
  std::vector<std::string> violations;  // empty: all held
  uint64_t steps = 0;
  uint64_t jobs = 0;
  uint64_t tasks_committed = 0;
  uint64_t attempts_run = 0;
  uint64_t faults = 0;
  int64_t simulated_ms = 0;
};

Report run(const Options& options);

}  // namespace bramble::sim
