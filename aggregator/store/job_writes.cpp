#include "aggregator/store/job_writes.hpp"

#include <algorithm>

#include "aggregator/store/job_rows.hpp"
#include "common/wire/codec.hpp"

namespace bramble::aggregator {

// --- RowChanges
// -------------------------------------------------------------------------------------------------------

RowChanges::RowChanges(std::span<const StoreWrite> writes) {
  for (const auto& write : writes) {
    std::visit([this](const auto& one) { take(one); }, write);
  }
}

RowChanges::Task& RowChanges::task(const TaskKey& key) {
  const auto [found, is_new] = task_places_.try_emplace(key, tasks.size());
  if (is_new) tasks.push_back({key, TaskState::queued, 0, {}, {}, {}});
  return tasks[found->second];
}

RowChanges::Attempt& RowChanges::attempt(const AttemptKey& key) {
  const auto [found, is_new] = attempt_places_.try_emplace(key, attempts.size());
  if (is_new) attempts.push_back({key, nullptr, {}, nullptr});
  return attempts[found->second];
}

void RowChanges::take(const AddAttempt& write) {
  const AttemptKey& key = write.attempt.key;
  attempt(key).added = &write.attempt;
  Task& change = task(key.task_key());
  change.state = TaskState::assigned;
  change.attempts = std::max(change.attempts, key.attempt);
}

void RowChanges::take(const StartAttempt& write) {
  attempt(write.key).started_ms = write.started.ms;
  task(write.key.task_key()).state = TaskState::running;
}

void RowChanges::take(const EndAttempt& write) { attempt(write.key).ended = &write; }

void RowChanges::take(const PutTask& write) {
  Task& change = task(write.key);
  change.state = write.state;
  change.failures = write.failures;
  change.crashes = write.crashes;
  if (write.committed_attempt != 0) change.committed_attempt = write.committed_attempt;
}

void RowChanges::take(const PutProgress& write) {
  const auto [found, is_new] = progress_places_.try_emplace(write.job, progress.size());
  if (is_new) {
    progress.push_back(&write);
  } else {
    progress[found->second] = &write;
  }
}

// --- JobWriter
// --------------------------------------------------------------------------------------------------------

namespace {

constexpr std::string_view kPutNode =
    "INSERT OR REPLACE INTO nodes_raw (node, agent_id, machine_id, boot_id, counter, online, reason, protocol, "
    "version, "
    "model, arch, cores, memory_bytes, resources, labels, first_seen_ms, last_seen_ms, drained, drain_reason, "
    "agent_session, boot_session, idle_w, busy_w, containment) VALUES "
    "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

constexpr std::string_view kAddJob =
    "INSERT INTO jobs_raw (job, submit_id, name, owner, priority, retries, max_running, on_node_loss, is_array, "
    "per_task_input, stdin_sha256, stdin_bytes, argv, env, resources, cpus, memory_bytes, time_limit_ms, "
    "kill_grace_ms, "
    "stdout_cap_bytes, stderr_cap_bytes, submitted_ms, crash_limit, lease_ms, isolate, network, on_nodes, arch, "
    "call_limit_ms, call_idle_ms, call_retries, files) "
    "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

constexpr std::string_view kPutProgress =
    "INSERT OR REPLACE INTO progress_raw (job, state, first_task, last_task, step, is_open, cancel_requested, "
    "next_position, total, succeeded, failed, cancelled, ended_ms, retried, checkpoint_sha256, checkpoint_bytes) "
    "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

constexpr std::string_view kAppendTask =
    "INSERT OR IGNORE INTO tasks_raw (job, task, state, attempts, failures, committed_attempt, stdin_sha256, "
    "stdin_bytes, files) VALUES (?, ?, 'queued', 0, 0, 0, ?, ?, ?)";

constexpr std::string_view kPutTask =
    "INSERT INTO tasks_raw (job, task, state, attempts, failures, committed_attempt, crashes) "
    "VALUES (?1, ?2, ?3, ?4, coalesce(?5, 0), coalesce(?6, 0), coalesce(?7, 0)) "
    "ON CONFLICT (job, task) DO UPDATE SET state = ?3, "
    "attempts = max(attempts, ?4), failures = coalesce(?5, failures), "
    "committed_attempt = coalesce(?6, committed_attempt), crashes = coalesce(?7, crashes)";

constexpr std::string_view kAddAttempt =
    "INSERT INTO attempts_raw (job, task, attempt, node, session, assigned_ms, started_ms) VALUES (?,?,?,?,?,?,?)";

constexpr std::string_view kStartAttempt =
    "UPDATE attempts_raw SET started_ms = ?4 WHERE job = ?1 AND task = ?2 AND attempt = ?3";

constexpr std::string_view kEndAttempt =
    "UPDATE attempts_raw SET started_ms = coalesce(?4, started_ms), ended_ms = ?5, outcome = ?6, result = ?7, "
    "exit_code = ?8, signal = ?9, message = ?10, node_started_ms = ?11, duration_ms = ?12, cpu_ms = ?13, "
    "peak_memory_bytes = ?14, stdout_bytes = ?15, stdout_dropped_bytes = ?16, stderr_bytes = ?17, "
    "stderr_dropped_bytes = ?18, energy_mj = ?19, energy_measured_mj = ?20 WHERE job = ?1 AND task = ?2 AND attempt = "
    "?3";

constexpr std::string_view kPutOutput =
    "INSERT OR REPLACE INTO outputs_raw (job, task, stream, attempt, size_bytes, dropped_bytes, data) "
    "VALUES (?,?,?,?,?,?,?)";

// Of attempts that go.
constexpr std::string_view kKeepEnergy =
    "INSERT INTO forgotten_energy_raw (hour_ms, owner, node, begin_ms, end_ms, energy_mj, energy_measured_mj) "
    "SELECT ended_ms - ended_ms % 3600000 AS hour_ms, owner, node, "
    "min(ended_ms - coalesce(duration_ms, 0)), max(ended_ms), sum(energy_mj), "
    "sum(coalesce(energy_measured_mj, 0)) "
    "FROM attempts_raw JOIN jobs_raw USING (job) "
    "WHERE job = ?1 AND task <= ?2 AND energy_mj > 0 AND ended_ms IS NOT NULL GROUP BY 1, 2, 3 "
    "ON CONFLICT DO UPDATE SET begin_ms = min(begin_ms, excluded.begin_ms), end_ms = max(end_ms, excluded.end_ms), "
    "energy_mj = energy_mj + excluded.energy_mj, "
    "energy_measured_mj = energy_measured_mj + excluded.energy_measured_mj";

// By the newest hour, not by the clock, which may be wrong; a bounded number at a time.
constexpr std::string_view kExpireEnergy =
    "DELETE FROM forgotten_energy_raw WHERE (hour_ms, owner, node) IN (SELECT hour_ms, owner, node "
    "FROM forgotten_energy_raw WHERE hour_ms < (SELECT max(hour_ms) FROM forgotten_energy_raw) - ? "
    "ORDER BY hour_ms LIMIT 1000)";

template <typename Whole, typename Member>
std::optional<Member> member(const std::optional<Whole>& whole, Member Whole::*which) {
  if (!whole) return std::nullopt;
  return (*whole).*which;
}

// NULL where the node does not know what the attempt cost; then neither what was measured of it.
std::optional<double> millijoules(const wire::Finished& result, double joules) {
  return result.energy_j > 0 ? std::optional(joules * 1e3) : std::nullopt;
}

}  // namespace

Result<JobWriter> JobWriter::prepare(sqlite::Connection& connection, int64_t keep_energy_ms) {
  JobWriter writer;
  writer.keep_energy_ms_ = keep_energy_ms;
  const std::pair<sqlite::Statement*, std::string_view> statements[] = {
      {&writer.session_, "UPDATE meta SET value = ? WHERE name = 'last_session'"},
      {&writer.node_, kPutNode},
      {&writer.remove_node_, "DELETE FROM nodes_raw WHERE node = ?"},
      {&writer.job_, kAddJob},
      {&writer.progress_, kPutProgress},
      {&writer.appended_task_, kAppendTask},
      {&writer.task_, kPutTask},
      {&writer.add_attempt_, kAddAttempt},
      {&writer.start_attempt_, kStartAttempt},
      {&writer.end_attempt_, kEndAttempt},
      {&writer.output_, kPutOutput},
      {&writer.retry_task_,
       "UPDATE tasks_raw SET state = 'queued', failures = 0, committed_attempt = 0 WHERE job = ? AND task = ?"},
      {&writer.drop_output_, "DELETE FROM outputs_raw WHERE job = ? AND task = ?"},
      {&writer.forget_job_, "UPDATE progress_raw SET forgotten = 1 WHERE job = ? AND ended_ms IS NOT NULL"},
      {&writer.keep_energy_, kKeepEnergy},
      {&writer.expire_energy_, kExpireEnergy},
      {&writer.remove_tasks_[0], "DELETE FROM outputs_raw WHERE job = ? AND task <= ?"},
      {&writer.remove_tasks_[1], "DELETE FROM attempts_raw WHERE job = ? AND task <= ?"},
      {&writer.remove_tasks_[2], "DELETE FROM tasks_raw WHERE job = ? AND task <= ?"},
      {&writer.remove_job_[0], "UPDATE meta SET value = max(value, ?) WHERE name = 'last_removed_job'"},
      {&writer.remove_job_[1], "DELETE FROM jobs_raw WHERE job = ?"},
      {&writer.remove_job_[2], "DELETE FROM progress_raw WHERE job = ?"},
  };
  for (const auto& [target, sql] : statements) {
    auto statement = connection.prepare(sql);
    if (!statement) return tl::unexpected<Error>(statement.error());
    *target = std::move(*statement);
  }
  if (Status status = writer.power_.prepare(connection); !status) return tl::unexpected<Error>(status.error());
  if (Status status = writer.tokens_.prepare(connection); !status) return tl::unexpected<Error>(status.error());
  return writer;
}

// New rows first (jobs, appended tasks), then the changes to them; no table refers to another, so that nothing else of
// the order within a batch matters.
Status JobWriter::apply(std::span<const StoreWrite> writes) {
  for (const auto& write : writes) {
    if (Status status = std::visit([this](const auto& one) { return put(one); }, write); !status) return status;
  }
  const RowChanges changes(writes);
  for (const auto& change : changes.tasks) {
    if (Status status = put_task(change); !status) return status;
  }
  for (const auto& change : changes.attempts) {
    if (Status status = put_attempt(change); !status) return status;
  }
  for (const PutProgress* change : changes.progress) {
    if (Status status = put_progress(change->job, change->progress); !status) return status;
  }
  return {};
}

Status JobWriter::put(const PutSession& write) { return session_.run(write.session); }

Status JobWriter::put(const PutNode& write) {
  const NodeRecord& node = write.node;
  const wire::NodeStatus& status = node.status;
  return node_.run(status.node, status.agent_id, status.machine_id, status.boot_id, status.counter, status.online,
                   status.reason, status.protocol, status.version, status.model, status.arch, status.cores,
                   status.memory_bytes, resources_json(status.resources), labels_json(status.labels),
                   node.first_seen.ms, node.last_seen.ms, node.drained, node.drain_reason, node.agent_session,
                   node.boot_session, member(node.power, &wire::PowerModel::idle_w),
                   member(node.power, &wire::PowerModel::busy_w), wire::encode_containment(status.containment));
}

Status JobWriter::put(const RemoveNode& write) { return remove_node_.run(write.node); }

Status JobWriter::put(const AddJob& write) {
  const JobSpec& spec = write.job.spec;
  const wire::TaskSpec& task = spec.task;
  Status status = job_.run(
      write.job.id, spec.submit_id, spec.name, spec.owner, spec.priority, spec.retries, spec.max_running,
      to_string(spec.on_node_loss), spec.array, spec.per_task_input, member(spec.stdin_blob, &wire::BlobRef::sha256),
      member(spec.stdin_blob, &wire::BlobRef::size_bytes), argv_json(task), env_json(task),
      resources_json(task.resources), task.cpus, task.memory_bytes, task.time_limit_ms, task.kill_grace_ms,
      task.stdout_cap_bytes, task.stderr_cap_bytes, write.job.submitted.ms, spec.crash_limit, task.lease_ms,
      to_string(task.isolate), task.network, spec.where.on, spec.where.arch,
      member(task.calls, &wire::CallRules::limit_ms), member(task.calls, &wire::CallRules::idle_ms),
      member(task.calls, &wire::CallRules::retries), files_json(task.files));
  return status ? put_progress(write.job.id, write.job.progress) : status;
}

Status JobWriter::put(const AddTasks& write) {
  TaskIndex task = write.first;
  for (const auto& [blob, files] : write.inputs) {
    Status status = appended_task_.run(write.job, task++, blob.sha256, blob.size_bytes, files_json(files));
    if (!status) return status;
  }
  return {};
}

Status JobWriter::put(const PutOutput& write) {
  const std::optional<sqlite::Blob> data = write.in_file ? std::nullopt : std::optional(sqlite::Blob{write.data});
  return output_.run(write.key.job, write.key.task, wire::to_string(write.stream), write.key.attempt, write.size_bytes,
                     write.dropped_bytes, data);
}

Status JobWriter::put(const ForgetJob& write) { return forget_job_.run(write.job); }

Status JobWriter::put(const RemoveTasks& write) {
  if (Status status = keep_energy_.run(write.job, write.through); !status) return status;
  if (keep_energy_ms_ > 0) {
    if (Status status = expire_energy_.run(keep_energy_ms_); !status) return status;
  }
  for (auto& remove : remove_tasks_) {
    if (Status status = remove.run(write.job, write.through); !status) return status;
  }
  return {};
}

Status JobWriter::put(const RemoveJob& write) {
  for (auto& remove : remove_job_) {
    if (Status status = remove.run(write.job); !status) return status;
  }
  return {};
}

Status JobWriter::put(const RetryTasks& write) {
  for (const TaskIndex task : write.tasks) {
    if (Status status = retry_task_.run(write.job, task); !status) return status;
    if (Status status = drop_output_.run(write.job, task); !status) return status;
  }
  return {};
}

Status JobWriter::put_progress(JobId job, const JobProgress& progress) {
  const TaskCounts& counts = progress.counts;
  const std::optional<int64_t> ended_ms = is_final(progress.state) ? std::optional(progress.ended.ms) : std::nullopt;
  return progress_.run(job, to_string(progress.state), progress.range.first, progress.range.last, progress.range.step,
                       progress.open, progress.cancel_requested, progress.next_position, counts.total, counts.succeeded,
                       counts.failed, counts.cancelled, ended_ms, progress.retried,
                       member(progress.checkpoint, &wire::BlobRef::sha256),
                       member(progress.checkpoint, &wire::BlobRef::size_bytes));
}

Status JobWriter::put_task(const RowChanges::Task& change) {
  return task_.run(change.key.job, change.key.task, to_string(change.state), change.attempts, change.failures,
                   change.committed_attempt, change.crashes);
}

Status JobWriter::put_attempt(const RowChanges::Attempt& change) {
  const AttemptKey& key = change.key;
  if (change.added != nullptr) {
    const AttemptRecord& added = *change.added;
    const std::optional<int64_t> started_ms =
        added.started && !change.started_ms ? std::optional(added.started->ms) : change.started_ms;
    Status status =
        add_attempt_.run(key.job, key.task, key.attempt, added.node, added.session, added.assigned.ms, started_ms);
    if (!status) return status;
  } else if (change.ended == nullptr) {
    return start_attempt_.run(key.job, key.task, key.attempt, change.started_ms);
  }
  return change.ended == nullptr ? Status{} : put_end(change);
}

Status JobWriter::put_end(const RowChanges::Attempt& change) {
  const AttemptKey& key = change.key;
  const EndAttempt& end = *change.ended;
  if (!end.result) {
    const std::optional<int64_t> none;
    return end_attempt_.run(key.job, key.task, key.attempt, change.started_ms, end.ended.ms, end.outcome, none, none,
                            none, none, none, none, none, none, none, none, none, none, none, none);
  }
  const wire::Finished& result = *end.result;
  return end_attempt_.run(
      key.job, key.task, key.attempt, change.started_ms, end.ended.ms, end.outcome, wire::to_string(result.outcome),
      result.code, result.signal, result.text, result.started_wall_ms, result.duration_ms, result.cpu_ms,
      result.peak_memory_bytes, result.out.kept_bytes, result.out.dropped_bytes, result.err.kept_bytes,
      result.err.dropped_bytes, millijoules(result, result.energy_j), millijoules(result, result.energy_measured_j));
}

}  // namespace bramble::aggregator
