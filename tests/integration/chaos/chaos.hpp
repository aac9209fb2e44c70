// One run of chaos: a cluster, a workload, faults; then all is mended, every job must end, the aggregator is restarted
// once more, and the checker judges.
#pragma once

#include <atomic>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "checker.hpp"
#include "cluster.hpp"
#include "plan.hpp"
#include "workload.hpp"

namespace bramble::test::chaos {

struct Options {
  uint64_t seed = 1;
  int agents = 3;
  int64_t fault_ms = 20'000;
  int64_t longest_cut_ms = 10'000;
  int64_t end_limit_ms = 180'000;  // for every job to end once faults have stopped
  WorkloadLimits work = {};
  FixedJobs jobs = {};
  std::vector<PlannedFault> only = {};  // instead of what follows from the seed
  Patience patience = {};
  bool keep = false;                               // the directory, though all was good
  std::ostream* progress = nullptr;                // a line every minute
  const std::atomic<bool>* interrupted = nullptr;  // set: no more faults; all is mended and judged
};

struct Report {
  Verdict verdict;
  std::vector<std::string> incidents;  // what went wrong around it, as when a daemon crashed
  bool good = false;
  std::string dir;  // with logs, diaries and the head's state; removed if all was good
  std::string text;
};

Report run_chaos(const Options& options);

}  // namespace bramble::test::chaos
