// What the durable store costs: CPU and wall time for the life of a no-op task in jobs.db. Prints figures; judges
// nothing.   bench_store [DIRECTORY]
#include <ctime>
#include <filesystem>
#include <iostream>
#include <vector>

#include "aggregator/store/job_store.hpp"

namespace bramble::aggregator {
namespace {

constexpr uint32_t kTasks = 200'000;
constexpr uint32_t kBatch = 256;
constexpr uint32_t kEndsPerProgress = 64;
constexpr size_t kNodes = 16;

double seconds(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void require(const Status& status) {
  if (status) return;
  std::cerr << status.error().message << "\n";
  std::exit(1);
}

class Stopwatch {
 public:
  void print(const std::string& what, double count) const {
    const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_;
    const double wall = seconds(CLOCK_MONOTONIC) - wall_;
    std::cout << what << ": " << cpu / count * 1e6 << " us CPU, " << wall / count * 1e6 << " us wall, "
              << static_cast<uint64_t>(count / wall) << " a second\n";
  }

 private:
  double cpu_ = seconds(CLOCK_PROCESS_CPUTIME_ID);
  double wall_ = seconds(CLOCK_MONOTONIC);
};

JobRecord array_job() {
  JobRecord job;
  job.id = 1;
  job.spec.owner = "bench";
  job.spec.array = true;
  job.spec.task.argv = {"true"};
  job.progress.range = {0, kTasks - 1, 1};
  job.progress.counts.total = kTasks;
  job.progress.state = JobState::running;
  return job;
}

std::vector<StoreWrite> launches(uint32_t first) {
  std::vector<StoreWrite> writes;
  for (uint32_t task = first; task < first + kBatch; ++task) {
    writes.push_back(AddAttempt{{{1, task, 1}, "pi" + std::to_string(task % kNodes), 7, {1'700'000'000'000}, {}}});
  }
  return writes;
}

std::vector<StoreWrite> results(uint32_t first, JobProgress& progress) {
  std::vector<StoreWrite> writes;
  for (uint32_t task = first; task < first + kBatch; ++task) {
    const AttemptKey key{1, task, 1};
    wire::Finished result;
    result.started_wall_ms = 1'700'000'000'100;
    result.duration_ms = 1;
    result.cpu_ms = 1;
    result.peak_memory_bytes = 2'000'000;
    result.out.kept_bytes = 3;
    writes.push_back(StartAttempt{key, {1'700'000'000'100}});
    writes.push_back(EndAttempt{key, "exited", result, {1'700'000'000'200}});
    writes.push_back(PutOutput{key, wire::Stream::stdout_, 3, 0, false, "ok\n"});
    writes.push_back(PutTask{key.task_key(), TaskState::succeeded, 0, 1});
    ++progress.counts.succeeded;
    if (task % kEndsPerProgress == 0) writes.push_back(PutProgress{1, progress});
  }
  return writes;
}

void bench_jobs(const std::string& directory) {
  auto store = SqliteJobStore::open(directory + "/jobs.db");
  if (!store) require(tl::unexpected<Error>(store.error()));
  const JobRecord job = array_job();
  require((*store)->commit(std::vector<StoreWrite>{AddJob{job}}));
  JobProgress progress = job.progress;
  const Stopwatch watch;
  for (uint32_t first = 0; first + kBatch <= kTasks; first += kBatch) {
    require((*store)->commit(launches(first)));
    require((*store)->commit(results(first, progress)));
  }
  watch.print("life of a task, batches of " + std::to_string(kBatch), kTasks);
}

// A restart in the middle of much work, beside the history that bench_jobs has left.
void bench_restart(const std::string& directory) {
  constexpr TaskIndex kOpen = 100'000;
  {
    auto store = SqliteJobStore::open(directory + "/jobs.db");
    JobRecord job = array_job();
    job.id = 2;
    std::vector<StoreWrite> writes{AddJob{job}};
    for (TaskIndex task = 0; task < kOpen; ++task) {
      writes.push_back(AddAttempt{{{2, task, 1}, "pi" + std::to_string(task % kNodes), 7, {1'700'000'000'000}, {}}});
    }
    require((*store)->commit(writes));
  }
  const Stopwatch watch;
  auto store = SqliteJobStore::open(directory + "/jobs.db");
  const auto state = (*store)->load();
  if (!state || state->open_attempts.size() != kOpen) require(fail("not everything was loaded"));
  watch.print("open and load, for each of " + std::to_string(kOpen) + " open tasks", kOpen);
}

}  // namespace
}  // namespace bramble::aggregator

int main(int argc, char** argv) {
  std::string directory = (argc > 1 ? std::string(argv[1]) : std::string("/tmp")) + "/bramble-bench-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) {
    std::cerr << "cannot make " << directory << "\n";
    return 1;
  }
  bramble::aggregator::bench_jobs(directory);
  bramble::aggregator::bench_restart(directory);
  std::filesystem::remove_all(directory);
  return 0;
}
