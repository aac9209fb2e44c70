#include "aggregator/store/job_removal.hpp"

#include <algorithm>

#include "aggregator/store/job_rows.hpp"
#include "common/wire/codec.hpp"

namespace bramble::aggregator {
namespace {

// Tasks up to `through` with about as many rows as are allowed; at least one task, so that it goes on.
constexpr const char* kTasks =
    "SELECT t.task, t.attempts, iif(t.state IN ('failed', 'cancelled'), t.stdin_sha256, NULL), t.stdin_bytes, "
    "iif(t.state IN ('failed', 'cancelled'), t.files, NULL) "
    "FROM tasks_raw t WHERE t.job = ? ORDER BY t.task LIMIT ?";
constexpr const char* kFiles =
    "SELECT DISTINCT task, attempt FROM outputs_raw WHERE job = ? AND task <= ? AND data IS NULL";
constexpr const char* kJobInput =
    "SELECT iif(p.state != 'succeeded', j.stdin_sha256, NULL), j.stdin_bytes, "
    "iif(p.state != 'succeeded', j.files, NULL), p.checkpoint_sha256, p.checkpoint_bytes "
    "FROM jobs_raw j JOIN progress_raw p USING (job) WHERE j.job = ?";
constexpr const char* kIsNamed =
    "SELECT EXISTS (SELECT 1 FROM outputs_raw WHERE job = ?1 AND task = ?2 AND attempt = ?3 AND data IS NULL) "
    "OR EXISTS (SELECT 1 FROM attempts_raw WHERE job = ?1 AND task = ?2 AND attempt = ?3 AND ended_ms IS NULL)";
constexpr size_t kRowsBesideAttempts = 3;  // of a task: its own, and its two streams

class Reader {
 public:
  static Result<Reader> prepare(sqlite::Connection& connection) {
    Reader reader;
    for (const auto& [target, sql] : {std::pair{&reader.tasks_, kTasks}, std::pair{&reader.files_, kFiles},
                                      std::pair{&reader.job_input_, kJobInput}}) {
      auto statement = connection.prepare(sql);
      if (!statement) return fail(statement.error());
      *target = std::move(*statement);
    }
    return reader;
  }

  // Takes what it reads from `room_rows`.
  Result<ForgottenRows> read(JobId job, size_t& room_rows) {
    ForgottenRows rows;
    rows.job = job;
    rows.whole = true;
    Status status =
        tasks_.each([&](const sqlite::Statement& row) { return take_task(row, rows, room_rows); }, job, room_rows + 1);
    if (status && rows.through) status = add_files(rows);
    if (status && rows.whole) status = add_job_input(rows);
    if (!status) return fail(status.error());
    return rows;
  }

 private:
  static Status take_task(const sqlite::Statement& row, ForgottenRows& rows, size_t& room_rows) {
    if (!rows.whole) return {};
    const size_t size = row.natural(1) + kRowsBesideAttempts;
    if (size > room_rows && rows.through) {
      rows.whole = false;
      return {};
    }
    room_rows -= std::min(room_rows, size);
    rows.through = row.natural32(0);
    if (!row.is_null(2)) rows.inputs.push_back({row.string(2), row.natural(3)});
    return take_files(row, 4, rows);
  }

  static Status take_files(const sqlite::Statement& row, int at, ForgottenRows& rows) {
    const auto files = read_files(row, at);
    if (!files) return fail(files.error());
    for (const auto& file : *files) rows.inputs.push_back(file.blob);
    return {};
  }

  Status add_files(ForgottenRows& rows) {
    return files_.each(
        [&](const sqlite::Statement& row) -> Status {
          rows.output_files.push_back({rows.job, row.natural32(0), row.natural32(1)});
          return {};
        },
        rows.job, *rows.through);
  }

  Status add_job_input(ForgottenRows& rows) {
    return job_input_.each(
        [&](const sqlite::Statement& row) -> Status {
          if (!row.is_null(0)) rows.inputs.push_back({row.string(0), row.natural(1)});
          if (!row.is_null(3)) rows.inputs.push_back({row.string(3), row.natural(4)});
          return take_files(row, 2, rows);
        },
        rows.job);
  }

  sqlite::Statement tasks_;
  sqlite::Statement files_;
  sqlite::Statement job_input_;
};

}  // namespace

Result<std::vector<ForgottenRows>> read_forgotten(sqlite::Connection& connection, std::span<const JobId> jobs,
                                                  size_t max_rows) {
  auto reader = Reader::prepare(connection);
  if (!reader) return fail(reader.error());
  std::vector<ForgottenRows> all;
  for (const JobId job : jobs) {
    if (max_rows == 0) break;
    auto rows = reader->read(job, max_rows);
    if (!rows) return fail(rows.error());
    all.push_back(std::move(*rows));
    if (!all.back().whole) break;
  }
  return all;
}

Result<std::vector<JobId>> find_expired(sqlite::Connection& connection, std::optional<WallTime> ended_before,
                                        uint64_t keep, size_t limit) {
  auto statement = connection.prepare(
      "WITH excess (count) AS (SELECT iif(?2 = 0, 0, max(0, (SELECT count(*) FROM progress_raw "
      "INDEXED BY progress_ended WHERE ended_ms IS NOT NULL AND forgotten = 0) - ?2))), "
      "oldest AS (SELECT job, ended_ms, row_number() OVER (ORDER BY ended_ms, job) AS place FROM "
      "(SELECT job, ended_ms FROM progress_raw INDEXED BY progress_ended WHERE ended_ms IS NOT NULL AND forgotten = 0 "
      "ORDER BY ended_ms LIMIT ?3)) "
      "SELECT job FROM oldest WHERE ended_ms < ?1 OR place <= (SELECT count FROM excess) ORDER BY place");
  if (!statement) return fail(statement.error());
  std::vector<JobId> jobs;
  Status status = statement->each(
      [&](const sqlite::Statement& row) -> Status {
        jobs.push_back(row.natural(0));
        return {};
      },
      ended_before ? ended_before->ms : INT64_MIN, keep, limit);
  if (!status) return fail(status.error());
  return jobs;
}

Result<std::vector<AttemptKey>> find_unnamed(sqlite::Connection& connection, std::span<const AttemptKey> keys) {
  auto statement = connection.prepare(kIsNamed);
  if (!statement) return fail(statement.error());
  std::vector<AttemptKey> unnamed;
  for (const auto& key : keys) {
    Status status = statement->each(
        [&](const sqlite::Statement& row) -> Status {
          if (row.integer(0) == 0) unnamed.push_back(key);
          return {};
        },
        key.job, key.task, key.attempt);
    if (!status) return fail(status.error());
  }
  return unnamed;
}

}  // namespace bramble::aggregator
