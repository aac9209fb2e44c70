// Hands in jobs as people do, by the real command, looks at them now and then, and cancels some. What it was told goes
// into the history. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "history.hpp"
#include "plan.hpp"

namespace bramble::test::chaos {

struct WorkloadLimits {
  int64_t longest_ms = 8'000;         // of a task
  int long_percent = 12;              // so many tasks take between the usual time and that
  size_t open_jobs = 9;               // more are not handed in before some have ended
  std::optional<Policy> policy = {};  // nothing: each of them
};

class Workload {
 public:
  Workload(uint64_t seed, std::string url, std::string diaries, WorkloadLimits limits);

  void run_until(const std::stop_token& stop);

  // Waits until every job has ended; false after limit_ms.
  bool wait_for_all(int64_t limit_ms);

  // Every job with every output that it has.
  std::vector<JobSeen> look_at_all();

  const std::vector<Submitted>& jobs() const { return jobs_; }
  const std::vector<JobSeen>& seen() const { return seen_; }
  size_t unanswered() const { return unanswered_; }  // submissions whose number was never told

 private:
  void submit();
  void cancel_one();
  void look_at_one();
  void look_at_states();
  size_t open_jobs() const;
  std::optional<JobSeen> look(uint64_t job, int outputs_percent);
  std::optional<Output> output_of(uint64_t job, uint64_t task) const;

  Random random_;
  const std::string url_;
  const std::string diaries_;
  const WorkloadLimits limits_;
  std::vector<Submitted> jobs_;
  std::vector<JobSeen> seen_;
  std::set<uint64_t> over_;
  size_t unanswered_ = 0;
};

// What `job cat` printed, as the output that it is; nothing when there is none.
std::optional<Output> parse_output(const std::string& text);

}  // namespace bramble::test::chaos
