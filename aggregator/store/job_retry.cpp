#include "aggregator/store/job_retry.hpp"

#include "aggregator/store/job_rows.hpp"

namespace bramble::aggregator {
namespace {

constexpr const char* kWanted = "(state IN ('failed', 'cancelled') OR (?2 AND state = 'succeeded'))";

// Runs the question for the job and calls `take` for each row.
template <typename Take, typename... Values>
Status ask(sqlite::Connection& connection, const std::string& sql, const Take& take, const Values&... values) {
  auto statement = connection.prepare(sql);
  if (!statement) return fail(statement.error());
  return statement->each(take, values...);
}

Status add_job(sqlite::Connection& connection, JobId id, RetryPlan& plan) {
  const auto take = [&](const sqlite::Statement& row) -> Status {
    auto job = read_job(row);
    if (!job) return fail(job.error());
    plan.job = std::move(*job);
    return {};
  };
  Status status = ask(connection,
                      "SELECT " + std::string(kJobColumns) +
                          " FROM jobs_raw j JOIN progress_raw p USING (job) WHERE j.job = ? AND forgotten = 0",
                      take, id);
  if (status && plan.job.id == 0) return fail(ErrorCode::not_found, "there is no job " + std::to_string(id));
  return status;
}

Status add_tasks(sqlite::Connection& connection, bool all, size_t max_tasks, RetryPlan& plan) {
  const auto take = [&](const sqlite::Statement& row) -> Status {
    auto task = read_task(row);
    if (!task) return fail(task.error());
    plan.tasks.push_back(std::move(task->record));
    return {};
  };
  return ask(connection,
             "SELECT " + std::string(kTaskColumns) + " FROM tasks_raw WHERE job = ?1 AND " + kWanted +
                 " ORDER BY task LIMIT ?3",
             take, plan.job.id, all, max_tasks);
}

// Tasks are assigned in the order of their range: the last one with a row tells how many have one.
Status add_touched(sqlite::Connection& connection, RetryPlan& plan) {
  const auto& range = plan.job.progress.range;
  const auto take = [&](const sqlite::Statement& row) -> Status {
    if (!row.is_null(0)) plan.touched = (row.natural(0) - range.first) / range.step + 1;
    return {};
  };
  return ask(connection, "SELECT max(task) FROM tasks_raw WHERE job = ?", take, plan.job.id);
}

Status add_files(sqlite::Connection& connection, bool all, RetryPlan& plan) {
  const auto take = [&](const sqlite::Statement& row) -> Status {
    plan.output_files.push_back({plan.job.id, row.natural32(0), row.natural32(1)});
    return {};
  };
  return ask(connection,
             "SELECT DISTINCT task, attempt FROM outputs_raw JOIN tasks_raw USING (job, task) "
             "WHERE job = ?1 AND data IS NULL AND " +
                 std::string(kWanted),
             take, plan.job.id, all);
}

}  // namespace

Result<RetryPlan> read_retry_plan(sqlite::Connection& connection, JobId job, bool all, size_t max_tasks) {
  RetryPlan plan;
  Status status = add_job(connection, job, plan);
  if (status) status = add_tasks(connection, all, max_tasks, plan);
  if (status) status = add_touched(connection, plan);
  if (status) status = add_files(connection, all, plan);
  if (!status) return fail(status.error());
  return plan;
}

}  // namespace bramble::aggregator
