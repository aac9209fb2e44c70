// An open job of call tasks that a command asks, waits for, and asks again: a kernel stays on the nodes between two
// questions.
#pragma once

#include <atomic>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/console.hpp"
#include "aggregator/cli/options.hpp"
#include "aggregator/cli/side_by_side.hpp"

namespace bramble::cli {

// A file in the kernel's directory.
struct KernelFile {
  std::string name;
  std::string bytes;
};

// Whoever answers calls.
class Kernels {
 public:
  virtual ~Kernels() = default;

  // The results, in the order of the calls; `files` lie in the kernel's directory besides those that are always there.
  // The calls go in so many tasks, neighbours together, and in no more than one for each: what runs side by side.
  virtual Result<std::vector<std::string>> ask(const std::vector<std::string>& calls,
                                               const std::vector<KernelFile>& files, size_t tasks) = 0;
};

inline constexpr uint64_t kMostTaskResultBytes = uint64_t{32} << 20;  // of all its calls together

// Of one job; what is over goes to another.
struct KernelJobLimits {
  uint64_t bytes = uint64_t{256} << 20;  // of results and calls
  TaskIndex tasks = 20'000;
};

// Answers on the nodes. What a job has stored at the head is bounded: once it has reached a limit another one takes its
// place, and it is forgotten.
class KernelJob : public Kernels {
 public:
  KernelJob(Connect connect, Console& console, TaskOptions task, KernelJobLimits limits = {})
      : connections_(std::move(connect)), console_(console), task_(std::move(task)), limits_(limits) {}

  // Every job of this has them.
  Status add_file(const KernelFile& file);

  // A node that is lost costs the tasks that it had alone. Where a kernel broke, what it wrote last on standard error
  // has been shown before the error returns.
  Result<std::vector<std::string>> ask(const std::vector<std::string>& calls, const std::vector<KernelFile>& files,
                                       size_t tasks) override;

  Result<uint64_t> slots();  // in which its tasks run, now

  // Of all attempts that have ended: joules; 0 where no node tells any.
  Result<double> joules();

  // From where whoever asks can go on: kept by the job that is open, in place of the one before.
  Status keep_checkpoint(std::string_view bytes);

  Status close();  // no more questions

  JobId job() const { return job_; }  // from any thread; 0: none is open
  void stop() { stopped_ = true; }    // from any thread: ask() returns an error soon, once job() is cancelled

 private:
  struct Batch {
    std::span<std::string> results;
    bool kernel_broke = false;
  };

  Status open();
  Status make_room();
  Status leave(JobId job);
  Result<std::vector<wire::BlobRef>> put_all(const std::vector<std::string>& batches,
                                             const std::vector<KernelFile>& files);
  Status append(const std::vector<std::string>& batches, const std::vector<KernelFile>& files);
  Status take_results(Api& api, TaskIndex task, Batch& batch);
  Status take_replies(Api& api, TaskIndex task, const std::string& text, Batch& batch);
  Result<double> joules_of_this_job();

  SideBySide connections_;  // each request waits for a disk or a node
  Console& console_;
  const TaskOptions task_;
  const KernelJobLimits limits_;
  std::vector<wire::BlobRef> blobs_;  // of the files that are always there
  std::vector<std::string> names_;
  std::atomic<JobId> job_ = 0;
  std::atomic<bool> stopped_ = false;
  TaskIndex next_task_ = 0;
  uint64_t stored_bytes_ = 0;  // for this job
  std::optional<wire::BlobRef> checkpoint_;
  double past_joules_ = 0;  // of jobs before it
};

}  // namespace bramble::cli
