#include "aggregator/store/job_load.hpp"

#include "aggregator/store/job_rows.hpp"
#include "aggregator/store/power_rows.hpp"
#include "aggregator/store/token_rows.hpp"

namespace bramble::aggregator {
namespace {

template <typename Row, typename Take>
Status read_rows(sqlite::Connection& connection, const std::string& sql, Result<Row> (*read)(const sqlite::Statement&),
                 Take take) {
  auto statement = connection.prepare(sql);
  if (!statement) return tl::unexpected<Error>(statement.error());
  return statement->each([&](const sqlite::Statement& row) -> Status {
    auto value = read(row);
    if (!value) return tl::unexpected<Error>(value.error());
    take(std::move(*value));
    return {};
  });
}

Status read_meta(sqlite::Connection& connection, LoadedState& state) {
  auto statement = connection.prepare(
      "SELECT (SELECT value FROM meta WHERE name = 'store'), (SELECT value FROM meta WHERE name = 'term'), "
      "(SELECT value FROM meta WHERE name = 'last_session'), "
      "max((SELECT coalesce(max(job), 0) FROM jobs_raw), "
      "(SELECT value FROM meta WHERE name = 'last_removed_job'))");
  if (!statement) return tl::unexpected<Error>(statement.error());
  return statement->each([&](const sqlite::Statement& row) -> Status {
    state.store = row.string(0);
    state.term = row.natural(1);
    state.last_session = row.natural(2);
    state.last_job = row.natural(3);
    return {};
  });
}

// For submitters that ask again because the answer got lost: minutes at most, so that few jobs are enough.
Status read_recent_submissions(sqlite::Connection& connection, LoadedState& state) {
  auto statement = connection.prepare("SELECT submit_id, job FROM jobs_raw ORDER BY job DESC LIMIT 1000");
  if (!statement) return tl::unexpected<Error>(statement.error());
  return statement->each([&](const sqlite::Statement& row) -> Status {
    if (!row.string(0).empty()) state.recent_submissions.emplace(row.string(0), row.natural(1));
    return {};
  });
}

Status read_kept_inputs(sqlite::Connection& connection, LoadedState& state) {
  for (const char* sql :
       {"SELECT stdin_sha256, stdin_bytes, count(*) FROM tasks_raw INDEXED BY tasks_inputs "
        "WHERE stdin_sha256 IS NOT NULL AND state IN ('failed', 'cancelled') GROUP BY stdin_sha256, stdin_bytes",
        "SELECT stdin_sha256, stdin_bytes, count(*) FROM jobs_raw INDEXED BY jobs_inputs JOIN progress_raw USING (job) "
        "WHERE stdin_sha256 IS NOT NULL AND state IN ('failed', 'cancelled') GROUP BY stdin_sha256, stdin_bytes",
        "SELECT value ->> 'sha256', value ->> 'size_bytes', count(*) FROM tasks_raw INDEXED BY tasks_files, "
        "json_each(files) WHERE files IS NOT NULL AND state IN ('failed', 'cancelled') GROUP BY 1, 2",
        "SELECT value ->> 'sha256', value ->> 'size_bytes', count(*) FROM jobs_raw j INDEXED BY jobs_files "
        "JOIN progress_raw USING (job), json_each(j.files) "
        "WHERE j.files IS NOT NULL AND state IN ('failed', 'cancelled') GROUP BY 1, 2",
        "SELECT checkpoint_sha256, checkpoint_bytes, count(*) FROM progress_raw INDEXED BY progress_checkpoint "
        "WHERE checkpoint_sha256 IS NOT NULL AND ended_ms IS NOT NULL GROUP BY 1, 2"}) {
    auto statement = connection.prepare(sql);
    if (!statement) return tl::unexpected<Error>(statement.error());
    const Status status = statement->each([&](const sqlite::Statement& row) -> Status {
      state.kept_inputs.push_back({{row.string(0), row.natural(1)}, row.natural(2)});
      return {};
    });
    if (!status) return status;
  }
  return {};
}

Status read_forgotten_jobs(sqlite::Connection& connection, LoadedState& state) {
  auto statement =
      connection.prepare("SELECT job FROM progress_raw INDEXED BY progress_forgotten WHERE forgotten = 1 ORDER BY job");
  if (!statement) return tl::unexpected<Error>(statement.error());
  return statement->each([&](const sqlite::Statement& row) -> Status {
    state.forgotten_jobs.push_back(row.natural(0));
    return {};
  });
}

std::string select(std::string_view columns, const std::string& rest) {
  return "SELECT " + std::string(columns) + " " + rest;
}

Status read_open(sqlite::Connection& connection, LoadedState& state) {
  Status status = read_rows(
      connection,
      select(kJobColumns,
             "FROM progress_raw p INDEXED BY progress_open JOIN jobs_raw j USING (job) WHERE ended_ms IS NULL "
             "ORDER BY j.job"),
      read_job, [&](JobRecord job) { state.open_jobs.push_back(std::move(job)); });
  if (!status) return status;
  status = read_rows(connection,
                     select(kTaskColumns,
                            "FROM tasks_raw WHERE job IN (SELECT job FROM progress_raw WHERE ended_ms IS NULL) "
                            "AND state NOT IN ('succeeded', 'failed', 'cancelled') ORDER BY job, task"),
                     read_task, [&](TaskRow task) { state.open_tasks.push_back(std::move(task.record)); });
  if (!status) return status;
  return read_rows(connection,
                   select(kAttemptColumns,
                          "FROM attempts_raw INDEXED BY attempts_open WHERE ended_ms IS NULL "
                          "ORDER BY job, task, attempt"),
                   read_attempt, [&](AttemptRow attempt) { state.open_attempts.push_back(std::move(attempt.record)); });
}

}  // namespace

Result<LoadedState> load_jobs(sqlite::Connection& connection) {
  LoadedState state;
  if (Status status = read_meta(connection, state); !status) return tl::unexpected<Error>(status.error());
  if (Status status = read_open(connection, state); !status) return tl::unexpected<Error>(status.error());
  if (Status status = read_recent_submissions(connection, state); !status) return tl::unexpected<Error>(status.error());
  if (Status status = read_kept_inputs(connection, state); !status) return tl::unexpected<Error>(status.error());
  if (Status status = read_forgotten_jobs(connection, state); !status) return tl::unexpected<Error>(status.error());
  if (Status status = load_power(connection, state); !status) return tl::unexpected<Error>(status.error());
  if (Status status = load_tokens(connection, state); !status) return tl::unexpected<Error>(status.error());
  Status status = read_rows(connection, select(kNodeColumns, "FROM nodes_raw ORDER BY node"), read_node,
                            [&](NodeRecord node) { state.nodes.push_back(std::move(node)); });
  if (!status) return tl::unexpected<Error>(status.error());
  return state;
}

}  // namespace bramble::aggregator
