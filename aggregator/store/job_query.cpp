#include "aggregator/store/job_query.hpp"

#include <algorithm>

#include "aggregator/store/job_removal.hpp"
#include "aggregator/store/job_retry.hpp"
#include "aggregator/store/job_rows.hpp"
#include "aggregator/store/power_rows.hpp"
#include "aggregator/store/sqlite.hpp"
#include "common/wire/codec.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMaxIdle = 4;
constexpr size_t kMaxRanges = 400;

}  // namespace

// Statements come after the connection: they are destroyed before it.
struct SqliteJobQuery::Session {
  sqlite::Connection connection;
  sqlite::Statement at_nodes;
  sqlite::Statement tasks;
  sqlite::Statement attempts;
  sqlite::Statement output;

  Status prepare() {
    const std::pair<sqlite::Statement*, std::string> statements[] = {
        {&at_nodes,
         "SELECT count(DISTINCT a.task), count(DISTINCT iif(a.started_ms IS NULL, NULL, a.task)) "
         "FROM attempts_raw a INDEXED BY attempts_open JOIN tasks_raw t USING (job, task) "
         "WHERE a.job = ? AND a.ended_ms IS NULL AND t.state IN ('assigned', 'running', 'silent')"},
        {&tasks,
         "SELECT " + std::string(kTaskColumns) + " FROM tasks_raw WHERE job = ? AND task >= ? ORDER BY task LIMIT ?"},
        {&attempts, "SELECT " + std::string(kAttemptColumns) +
                        " FROM attempts_raw WHERE job = ? AND task BETWEEN ? AND ? ORDER BY task, attempt"},
        {&output,
         "SELECT committed_attempt, size_bytes, dropped_bytes, attempt IS NOT NULL AND data IS NULL, data "
         "FROM tasks_raw LEFT JOIN (SELECT * FROM outputs_raw WHERE stream = ?3) USING (job, task) "
         "WHERE job = ?1 AND task = ?2 AND committed_attempt != 0 "
         "AND NOT EXISTS (SELECT 1 FROM progress_raw p WHERE p.job = ?1 AND p.forgotten = 1)"},
    };
    for (const auto& [target, sql] : statements) {
      auto statement = connection.prepare(sql);
      if (!statement) return fail(statement.error());
      *target = std::move(*statement);
    }
    return {};
  }

  Status count_at_nodes(JobRow& job) {
    return at_nodes.each(
        [&](const sqlite::Statement& row) -> Status {
          job.running = row.natural(1);
          job.assigned = row.natural(0) - job.running;
          return {};
        },
        job.record.id);
  }

  Result<std::vector<TaskRow>> read_tasks(JobId job, TaskIndex first, size_t limit) {
    std::vector<TaskRow> rows;
    Status status = tasks.each(
        [&](const sqlite::Statement& row) -> Status {
          auto task = read_task(row);
          if (!task) return fail(task.error());
          rows.push_back(std::move(*task));
          return {};
        },
        job, first, std::min<size_t>(limit, INT32_MAX));
    if (status && !rows.empty()) status = add_attempts(job, rows);
    if (!status) return fail(status.error());
    return rows;
  }

  // Both lists are in the order of their tasks.
  Status add_attempts(JobId job, std::vector<TaskRow>& rows) {
    auto task = rows.begin();
    return attempts.each(
        [&](const sqlite::Statement& row) -> Status {
          auto attempt = read_attempt(row);
          if (!attempt) return fail(attempt.error());
          while (task != rows.end() && task->record.key < attempt->record.key.task_key()) ++task;
          if (task == rows.end() || task->record.key != attempt->record.key.task_key()) return {};
          attempt->committed = task->committed_attempt == attempt->record.key.attempt;
          task->attempts.push_back(std::move(*attempt));
          return {};
        },
        job, rows.front().record.key.task, rows.back().record.key.task);
  }
};

// Reads within one transaction, so that one answer never mixes two commits.
class SqliteJobQuery::Lease {
 public:
  Lease(SqliteJobQuery& owner, std::unique_ptr<Session> session) : owner_(&owner), session_(std::move(session)) {}
  Lease(Lease&&) = default;
  Lease& operator=(Lease&&) = delete;
  ~Lease() {
    if (!session_ || !session_->connection.execute("COMMIT")) return;
    const std::lock_guard lock(owner_->mutex_);
    if (owner_->idle_.size() < kMaxIdle) owner_->idle_.push_back(std::move(session_));
  }

  Session* operator->() { return session_.get(); }

 private:
  SqliteJobQuery* owner_;
  std::unique_ptr<Session> session_;
};

SqliteJobQuery::SqliteJobQuery(std::string path) : path_(std::move(path)) {}
SqliteJobQuery::~SqliteJobQuery() = default;

Result<std::unique_ptr<SqliteJobQuery>> SqliteJobQuery::open(const std::string& path) {
  std::unique_ptr<SqliteJobQuery> query(new SqliteJobQuery(path));
  if (const auto lease = query->lease(); !lease) return fail(lease.error());
  return query;
}

Result<SqliteJobQuery::Lease> SqliteJobQuery::lease() {
  std::unique_ptr<Session> session;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      session = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!session) {
    auto connection = sqlite::Connection::open(path_, sqlite::OpenMode::read_only, sqlite::kReaderBusyTimeoutMs);
    if (!connection) return fail(connection.error());
    session = std::unique_ptr<Session>(new Session{std::move(*connection), {}, {}, {}, {}});
    if (Status status = session->prepare(); !status) return fail(status.error());
  }
  if (Status status = session->connection.execute("BEGIN"); !status) return fail(status.error());
  return Lease(*this, std::move(session));
}

namespace {

Result<std::string> jobs_sql(const JobFilter& filter) {
  if (filter.ranges.size() > kMaxRanges) {
    return fail(ErrorCode::limit, "a question may name at most " + std::to_string(kMaxRanges) + " ranges of jobs");
  }
  std::string sql = "SELECT " + std::string(kJobColumns) +
                    " FROM jobs_raw j JOIN progress_raw p USING (job) WHERE forgotten = 0 AND (?1 = '' OR owner = ?1)";
  if (filter.state) sql += " AND state = '" + std::string(to_string(*filter.state)) + "'";
  for (size_t i = 0; i < filter.ranges.size(); ++i) {
    const auto& [low, high] = filter.ranges[i];
    const auto clamp = [](JobId id) { return std::to_string(std::min<JobId>(id, INT64_MAX)); };
    sql += (i == 0 ? " AND (j.job BETWEEN " : " OR j.job BETWEEN ") + clamp(low) + " AND " + clamp(high);
  }
  if (!filter.ranges.empty()) sql += ")";
  return sql + " ORDER BY j.job DESC LIMIT ?2";
}

}  // namespace

Result<std::vector<JobRow>> SqliteJobQuery::jobs(const JobFilter& filter) {
  const auto sql = jobs_sql(filter);
  if (!sql) return fail(sql.error());
  auto session = lease();
  if (!session) return fail(session.error());
  auto statement = (*session)->connection.prepare(*sql);
  if (!statement) return fail(statement.error());
  std::vector<JobRow> rows;
  Status status = statement->each(
      [&](const sqlite::Statement& row) -> Status {
        auto job = read_job(row);
        if (!job) return fail(job.error());
        rows.push_back({std::move(*job), 0, 0});
        return is_final(rows.back().record.progress.state) ? Status{} : (*session)->count_at_nodes(rows.back());
      },
      filter.owner, std::min<size_t>(filter.limit, INT32_MAX));
  if (!status) return fail(status.error());
  std::reverse(rows.begin(), rows.end());
  return rows;
}

Result<JobId> SqliteJobQuery::last_job() {
  auto session = lease();
  if (!session) return fail(session.error());
  const auto last = (*session)->connection.integer("SELECT max(job) FROM progress_raw WHERE forgotten = 0");
  if (!last) return fail(last.error());
  if (*last == 0) return fail(ErrorCode::not_found, "there are no jobs yet");
  return static_cast<JobId>(*last);
}

Result<std::vector<TaskRow>> SqliteJobQuery::tasks(JobId job, TaskIndex first, size_t limit) {
  auto session = lease();
  if (!session) return fail(session.error());
  return (*session)->read_tasks(job, first, limit);
}

Result<TaskRow> SqliteJobQuery::task(TaskKey key) {
  auto session = lease();
  if (!session) return fail(session.error());
  auto rows = (*session)->read_tasks(key.job, key.task, 1);
  if (!rows) return fail(rows.error());
  if (rows->empty() || rows->front().record.key != key) {
    return fail(ErrorCode::not_found, "task " + to_string(key) + " has not been started yet");
  }
  return std::move(rows->front());
}

Result<JobEnergy> SqliteJobQuery::energy(JobId job) {
  auto session = lease();
  if (!session) return fail(session.error());
  auto statement = (*session)->connection.prepare(
      "SELECT sum(energy_mj) / 1e3, sum(energy_measured_mj) / 1e3 FROM attempts_raw WHERE job = ?");
  if (!statement) return fail(statement.error());
  JobEnergy energy;
  Status status = statement->each(
      [&](const sqlite::Statement& row) -> Status {
        energy = {row.real(0), row.real(1)};
        return {};
      },
      job);
  if (!status) return fail(status.error());
  return energy;
}

// A committed task without a row for the stream has written nothing to it.
Result<OutputRow> SqliteJobQuery::output(TaskKey key, wire::Stream stream) {
  auto session = lease();
  if (!session) return fail(session.error());
  std::optional<OutputRow> found;
  Status status = (*session)->output.each(
      [&](const sqlite::Statement& row) -> Status {
        found = OutputRow{row.natural32(0), row.natural(1), row.natural(2), row.integer(3) != 0, row.string(4)};
        return {};
      },
      key.job, key.task, wire::to_string(stream));
  if (!status) return fail(status.error());
  if (!found) return fail(ErrorCode::not_found, "task " + to_string(key) + " has no committed output");
  return std::move(*found);
}

Result<RetryPlan> SqliteJobQuery::retry_plan(JobId job, bool all, size_t max_tasks) {
  auto session = lease();
  if (!session) return fail(session.error());
  return read_retry_plan((*session)->connection, job, all, max_tasks);
}

Result<std::vector<JobId>> SqliteJobQuery::expired_jobs(std::optional<WallTime> ended_before, uint64_t keep,
                                                        size_t limit) {
  auto session = lease();
  if (!session) return fail(session.error());
  return find_expired((*session)->connection, ended_before, keep, limit);
}

Result<std::vector<ForgottenRows>> SqliteJobQuery::forgotten_rows(std::span<const JobId> jobs, size_t max_rows) {
  auto session = lease();
  if (!session) return fail(session.error());
  return read_forgotten((*session)->connection, jobs, max_rows);
}

Result<std::vector<AttemptKey>> SqliteJobQuery::unnamed_outputs(std::span<const AttemptKey> keys) {
  auto session = lease();
  if (!session) return fail(session.error());
  return find_unnamed((*session)->connection, keys);
}

Result<std::vector<AuditRow>> SqliteJobQuery::audit(const AuditFilter& filter) {
  auto session = lease();
  if (!session) return fail(session.error());
  return read_audit((*session)->connection, filter);
}

}  // namespace bramble::aggregator
