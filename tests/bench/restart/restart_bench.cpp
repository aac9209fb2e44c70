// The aggregator is killed with 100,000 tasks open and started again once the nodes have run out of what they had been
// given: how long until the next task starts. Nodes, warden and broker go on meanwhile. Once as one array and once as
// many jobs, for these cost differently. Prints figures; judges nothing.
//   bench_restart [TASKS]
#include <algorithm>
#include <iostream>
#include <optional>
#include <thread>

#include "integration/chaos/cluster.hpp"
#include "support/bramble_process.hpp"
#include "support/temp_dir.hpp"

namespace bramble::test::chaos {
namespace {

constexpr int64_t kQuietMs = 2'000;
constexpr int64_t kGiveUpMs = 120'000;
constexpr auto kWarmUp = std::chrono::seconds(2);
constexpr auto kStep = std::chrono::milliseconds(5);

// Of those after `after_ns`; nothing: there is none.
std::optional<int64_t> first_start_ns(const Cluster& cluster, int64_t after_ns) {
  std::optional<int64_t> first_ns;
  for (const Run& run : read_runs(cluster.diaries())) {
    if (run.start_ns > after_ns) first_ns = std::min(first_ns.value_or(run.start_ns), run.start_ns);
  }
  return first_ns;
}

void wait_until_quiet(const Cluster& cluster) {
  while (first_start_ns(cluster, boot_ns() - kQuietMs * kNsPerMs)) std::this_thread::sleep_for(kStep);
}

int64_t wait_for_start_after(const Cluster& cluster, int64_t begin_ns) {
  const int64_t give_up_ns = boot_ns() + kGiveUpMs * kNsPerMs;
  while (boot_ns() < give_up_ns) {
    if (const auto first_ns = first_start_ns(cluster, begin_ns)) return *first_ns;
    std::this_thread::sleep_for(kStep);  // a diary tells nobody that it grew
  }
  throw std::runtime_error("nothing is dispatched any more");
}

void bench(uint64_t jobs, uint64_t tasks_each) {
  const TempDir dir;
  Cluster cluster({dir.path(), 2, false});
  for (uint64_t i = 0; i < jobs; ++i) {
    const Ran ran = run_bramble(cluster.url(), {"submit", "--array", "1-" + std::to_string(tasks_each), "--",
                                                CHAOS_TASK, cluster.diaries(), "200", "200", "0", "0"});
    if (ran.status != 0) throw std::runtime_error(ran.err);
  }
  wait_for_start_after(cluster, 0);
  std::this_thread::sleep_for(kWarmUp);
  cluster.begin(FaultKind::aggregator_killed, 0);
  wait_until_quiet(cluster);
  const int64_t begin_ns = boot_ns();
  cluster.end(FaultKind::aggregator_killed, 0);
  const int64_t ms = (wait_for_start_after(cluster, begin_ns) - begin_ns) / kNsPerMs;
  std::cout << "restart with " << jobs << " jobs of " << tasks_each << " tasks: the next task starts after " << ms
            << " ms" << std::endl;
}

}  // namespace
}  // namespace bramble::test::chaos

int main(int argc, char** argv) {
  const uint64_t tasks = argc > 1 ? std::stoull(argv[1]) : 100'000;
  constexpr uint64_t kTasksEach = 100;
  bramble::test::chaos::bench(1, tasks);
  bramble::test::chaos::bench(tasks / kTasksEach, kTasksEach);
  return 0;
}
