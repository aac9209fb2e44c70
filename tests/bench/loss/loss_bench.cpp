// A node loses its power - all its processes at once, and no connection is closed - and its task runs elsewhere: how
// long that takes, with the defaults. From the first kill to what the task writes itself. Prints figures; judges
// nothing.
//   bench_loss [TRIES]
#include <algorithm>
#include <iostream>
#include <thread>

#include "integration/chaos/cluster.hpp"
#include "support/bramble_process.hpp"
#include "support/temp_dir.hpp"

namespace bramble::test::chaos {
namespace {

constexpr int64_t kGiveUpMs = 60'000;
constexpr auto kGrace = std::chrono::seconds(4);  // a head that has just started is patient with its nodes for 3 s
constexpr auto kStep = std::chrono::milliseconds(2);

// Waits for so many runs of the job; throws when they do not come.
std::vector<Run> wait_for_runs(const Cluster& cluster, uint64_t job, size_t count) {
  const int64_t give_up_ns = boot_ns() + kGiveUpMs * kNsPerMs;
  while (boot_ns() < give_up_ns) {
    std::vector<Run> runs = read_runs(cluster.diaries());
    std::erase_if(runs, [&](const Run& run) { return run.name.job != job; });
    if (runs.size() >= count) {
      std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.start_ns < b.start_ns; });
      return runs;
    }
    std::this_thread::sleep_for(kStep);  // a diary tells nobody that it grew
  }
  throw std::runtime_error("job " + std::to_string(job) + " does not run");
}

int64_t lose_one(Cluster& cluster) {
  const Ran ran = run_bramble(
      cluster.url(), {"submit", "--array", "1-1", "--", CHAOS_TASK, cluster.diaries(), "100000", "100000", "0", "0"});
  const uint64_t job = std::stoull(ran.out);
  const std::string lost = wait_for_runs(cluster, job, 1)[0].node;
  const auto& nodes = cluster.nodes();
  const auto node = static_cast<size_t>(std::find(nodes.begin(), nodes.end(), lost) - nodes.begin());
  const int64_t begin_ns = boot_ns();
  cluster.begin(FaultKind::power_lost, node);
  const int64_t again_ns = wait_for_runs(cluster, job, 2)[1].start_ns;
  run_bramble(cluster.url(), {"job", "cancel", std::to_string(job)});
  cluster.end(FaultKind::power_lost, node);
  cluster.wait_until_on();
  return (again_ns - begin_ns) / kNsPerMs;
}

void bench(int tries) {
  const TempDir dir;
  Cluster cluster({dir.path(), 3, false});
  std::this_thread::sleep_for(kGrace);
  std::vector<int64_t> all_ms;
  for (int i = 0; i < tries; ++i) {
    all_ms.push_back(lose_one(cluster));
    std::this_thread::sleep_for(std::chrono::milliseconds(137 * (i + 1)));  // not always at the same beat
  }
  std::sort(all_ms.begin(), all_ms.end());
  std::cout << "a node lost to its task running elsewhere, " << tries << " times: least " << all_ms.front()
            << " ms, median " << all_ms[all_ms.size() / 2] << " ms, most " << all_ms.back() << " ms\n  all:";
  for (const int64_t ms : all_ms) std::cout << " " << ms;
  std::cout << "\n";
}

}  // namespace
}  // namespace bramble::test::chaos

int main(int argc, char** argv) {
  bramble::test::chaos::bench(argc > 1 ? std::stoi(argv[1]) : 10);
  return 0;
}
