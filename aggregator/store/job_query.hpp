// Questions about jobs, answered from jobs.db on read-only connections: no question ever waits for the state thread,
// nor it for a question.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "aggregator/core/store.hpp"

namespace bramble::aggregator {

// Thread-safe. The database must have been opened by a SqliteJobStore first. Keeps a few idle connections for reuse.
class SqliteJobQuery final : public JobQuery {
 public:
  static Result<std::unique_ptr<SqliteJobQuery>> open(const std::string& path);
  ~SqliteJobQuery() override;

  Result<std::vector<JobRow>> jobs(const JobFilter& filter) override;
  Result<JobId> last_job() override;
  Result<std::vector<TaskRow>> tasks(JobId job, TaskIndex first, size_t limit) override;
  Result<TaskRow> task(TaskKey key) override;
  Result<JobEnergy> energy(JobId job) override;
  Result<OutputRow> output(TaskKey key, wire::Stream stream) override;
  Result<RetryPlan> retry_plan(JobId job, bool all, size_t max_tasks) override;
  Result<std::vector<JobId>> expired_jobs(std::optional<WallTime> ended_before, uint64_t keep, size_t limit) override;
  Result<std::vector<ForgottenRows>> forgotten_rows(std::span<const JobId> jobs, size_t max_rows) override;
  Result<std::vector<AttemptKey>> unnamed_outputs(std::span<const AttemptKey> keys) override;
  Result<std::vector<AuditRow>> audit(const AuditFilter& filter) override;

 private:
  struct Session;  // a connection with its prepared questions
  class Lease;     // a session for one call

  explicit SqliteJobQuery(std::string path);
  Result<Lease> lease();

  const std::string path_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Session>> idle_;
};

}  // namespace bramble::aggregator
