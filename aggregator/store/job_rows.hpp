// Rows of jobs.db as values: the columns that several questions read, and the parts of a row that are JSON.
#pragma once

#include <string>

#include "aggregator/core/store.hpp"
#include "aggregator/store/sqlite.hpp"

namespace bramble::aggregator {

// Writing: columns that hold JSON.
std::string argv_json(const wire::TaskSpec& spec);
std::string env_json(const wire::TaskSpec& spec);
std::string resources_json(const std::map<std::string, int64_t>& resources);
std::optional<std::string> files_json(const std::vector<wire::InputFile>& files);  // none: NULL
std::string labels_json(const std::map<std::string, std::string>& labels);

// Reading: each list of columns, in the order in which its reader takes them, from column `at` on.
inline constexpr std::string_view kJobColumns =
    "j.job, submit_id, name, owner, priority, retries, max_running, on_node_loss, is_array, per_task_input, "
    "stdin_sha256, stdin_bytes, argv, env, resources, cpus, memory_bytes, time_limit_ms, kill_grace_ms, "
    "stdout_cap_bytes, stderr_cap_bytes, submitted_ms, state, first_task, last_task, step, is_open, cancel_requested, "
    "next_position, total, succeeded, failed, cancelled, ended_ms, retried, crash_limit, lease_ms, isolate, "
    "network, on_nodes, arch, call_limit_ms, call_idle_ms, call_retries, j.files, checkpoint_sha256, "
    "checkpoint_bytes";
inline constexpr std::string_view kTaskColumns =
    "job, task, state, attempts, failures, stdin_sha256, stdin_bytes, committed_attempt, crashes, files";
inline constexpr std::string_view kAttemptColumns =
    "job, task, attempt, node, session, assigned_ms, started_ms, ended_ms, outcome, result, exit_code, signal, "
    "message, "
    "node_started_ms, duration_ms, cpu_ms, peak_memory_bytes, stdout_bytes, stdout_dropped_bytes, stderr_bytes, "
    "stderr_dropped_bytes, energy_mj, energy_measured_mj";
inline constexpr std::string_view kNodeColumns =
    "node, agent_id, machine_id, boot_id, counter, online, reason, protocol, version, model, arch, cores, "
    "memory_bytes, resources, labels, first_seen_ms, last_seen_ms, drained, drain_reason, agent_session, "
    "boot_session, idle_w, busy_w, containment";

// Of a column that files_json() wrote.
Result<std::vector<wire::InputFile>> read_files(const sqlite::Statement& row, int at);

Result<JobRecord> read_job(const sqlite::Statement& row);
Result<TaskRow> read_task(const sqlite::Statement& row);        // without its attempts
Result<AttemptRow> read_attempt(const sqlite::Statement& row);  // committed is left false
Result<NodeRecord> read_node(const sqlite::Statement& row);

}  // namespace bramble::aggregator
