// Hands in jobs as people do, by the real command, looks at them now and then, cancels some, and forgets what ended
// long ago. What it was told goes into the history. One thread; the counts may be asked from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "history.hpp"
#include "plan.hpp"
#include "reader.hpp"

namespace bramble::test::chaos {

struct WorkloadLimits {
  int64_t usual_ms = 5'000;    // a task takes up to that,
  int64_t longest_ms = 8'000;  // and so many in a hundred take between that and this
  int long_percent = 12;
  size_t open_jobs = 9;               // more are not handed in before some have ended
  std::optional<Policy> policy = {};  // nothing: each of them
  bool once_only = false;             // every task ends well at its first try: no bad ends, no retries, no cancels
  size_t keep_jobs = 150;             // of those that ended; older ones are read a last time and forgotten
};

// Instead of what follows from the seed: so many jobs, all alike, handed in at once.
struct FixedJobs {
  size_t jobs = 0;
  uint64_t tasks = 1;  // of each
  int64_t first_ms = 0;
  int64_t again_ms = 0;  // what a later try takes
  Policy policy = Policy::rerun;
};

class Workload {
 public:
  Workload(uint64_t seed, std::string url, std::string diaries, WorkloadLimits limits, FixedJobs fixed = {});

  void run_until(const std::stop_token& stop);

  // Waits until every job has ended; false after limit_ms.
  bool wait_for_all(int64_t limit_ms);

  // Every job that was not forgotten, with every output that it has. One that is not told is missing.
  std::vector<JobSeen> look_at_all();

  const std::vector<Submitted>& jobs() const { return jobs_; }
  const std::vector<JobSeen>& seen() const { return seen_; }
  const std::vector<JobSeen>& forgotten() const { return forgotten_; }  // as they were then
  size_t forgotten_and_still_there();

  size_t unanswered() const { return unanswered_; }  // submissions whose number was never told
  size_t handed_in() const { return handed_in_; }
  size_t ended() const { return ended_; }

 private:
  void submit_any();
  void hand_in(Submitted job, const std::vector<std::string>& task);
  void cancel_one();
  void look_at_one();
  void look_for_ends();
  void forget_old_ones();
  std::vector<uint64_t> open_jobs() const;
  std::optional<JobSeen> look_patiently(uint64_t job);

  Random random_;
  const std::string url_;
  const std::string diaries_;
  const WorkloadLimits limits_;
  const FixedJobs fixed_;
  Reader reader_;
  std::vector<Submitted> jobs_;
  std::vector<JobSeen> seen_;
  std::set<uint64_t> over_;
  std::deque<uint64_t> kept_;  // of those that are over, in the order of their ends
  std::vector<JobSeen> forgotten_;
  size_t unanswered_ = 0;
  std::atomic<size_t> handed_in_ = 0;
  std::atomic<size_t> ended_ = 0;
};

}  // namespace bramble::test::chaos
