// What the aggregator remembers, as plain values: the rows of jobs.db and the writes that change them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "aggregator/core/constraints.hpp"
#include "aggregator/core/power_records.hpp"
#include "aggregator/core/tokens.hpp"
#include "common/base/clock.hpp"
#include "common/base/ids.hpp"
#include "common/wire/messages.hpp"

namespace bramble::aggregator {

enum class JobState { waiting, running, succeeded, failed, cancelled };

// assigned: sent to a node; silent: its node is not heard. Both, and running, are "not final and at a node".
enum class TaskState { waiting, queued, assigned, running, silent, succeeded, failed, cancelled };

enum class NodeLossPolicy { rerun, fence, fail };

constexpr bool is_final(JobState state) { return state >= JobState::succeeded; }
constexpr bool is_final(TaskState state) { return state >= TaskState::succeeded; }

std::string_view to_string(JobState state);
std::string_view to_string(TaskState state);
std::string_view to_string(NodeLossPolicy policy);

// The task indices of a job: first, first + step, ... up to last.
struct TaskRange {
  TaskIndex first = 0;
  TaskIndex last = 0;
  TaskIndex step = 1;

  uint64_t size() const { return last < first ? 0 : (uint64_t{last} - first) / step + 1; }
  TaskIndex at(uint64_t position) const { return static_cast<TaskIndex>(first + position * step); }
  bool contains(TaskIndex task) const { return task >= first && task <= last && (task - first) % step == 0; }
  bool operator==(const TaskRange&) const = default;
};

struct TaskCounts {
  uint64_t total = 0;
  uint64_t succeeded = 0;
  uint64_t failed = 0;
  uint64_t cancelled = 0;

  uint64_t ended() const { return succeeded + failed + cancelled; }
  bool operator==(const TaskCounts&) const = default;
};

// A job as submitted; does not change.
struct JobSpec {
  std::string submit_id;  // UUID made by the submitter: saying it twice makes one job
  std::string name;
  std::string owner;
  int32_t priority = 0;      // higher first
  uint32_t retries = 0;      // further tries after a failure of the task's own
  uint32_t max_running = 0;  // tasks of it at nodes at once; 0: no limit
  NodeLossPolicy on_node_loss = NodeLossPolicy::rerun;
  uint32_t crash_limit = 3;  // attempts during which the node went down, then the task fails; 0: no limit
  wire::TaskSpec task;
  Constraints where;
  bool array = false;           // false: one task with index 0, or (map) tasks appended one by one
  bool per_task_input = false;  // tasks are appended with a stdin blob each, indices from 0; open until closed
  std::optional<wire::BlobRef> stdin_blob;  // of every task, unless it has its own
  bool task_files = false;  // some appended task brings files of its own; known from when it is appended

  // Also calls: the first wardens that know files know them, too, and to others a kernel were a plain command.
  bool needs_files() const { return task_files || !task.files.empty() || task.calls.has_value(); }
  bool operator==(const JobSpec&) const = default;
};

// What an appended task brings.
struct TaskInput {
  wire::BlobRef stdin_blob;
  std::vector<wire::InputFile> files = {};

  bool operator==(const TaskInput&) const = default;
};

// Each blob once for each time that it is named; both a task and a job have these two.
template <typename Take>
void for_each_blob(const std::optional<wire::BlobRef>& stdin_blob, const std::vector<wire::InputFile>& files,
                   const Take& take) {
  if (stdin_blob) take(*stdin_blob);
  for (const auto& file : files) take(file.blob);
}

// The part of a job that changes.
struct JobProgress {
  JobState state = JobState::waiting;
  TaskRange range;    // grows while open
  bool open = false;  // more tasks may be appended
  bool cancel_requested = false;
  uint64_t next_position = 0;  // tasks at this position of the range and above were never assigned
  TaskCounts counts;
  WallTime ended;
  uint32_t retried = 0;  // times that ended tasks were queued again: tells an old reading of the job from a new one
  std::optional<wire::BlobRef> checkpoint;  // where its work can go on; none when all of it is done

  bool operator==(const JobProgress&) const = default;
};

struct JobRecord {
  JobId id = 0;
  JobSpec spec;
  JobProgress progress;
  WallTime submitted;
};

// A task that was touched: tasks of an array have no row before their first assignment.
struct TaskRecord {
  TaskKey key;
  TaskState state = TaskState::queued;
  uint32_t attempts = 0;  // numbers given out
  uint32_t failures = 0;  // those that count against retries
  std::optional<wire::BlobRef> stdin_blob;
  uint32_t crashes = 0;  // attempts during which their node went down
  std::vector<wire::InputFile> files = {};
};

struct AttemptRecord {
  AttemptKey key;
  std::string node;
  SessionId session = 0;
  WallTime assigned;
  std::optional<WallTime> started;
};

struct NodeRecord {
  wire::NodeStatus status;
  WallTime first_seen;
  WallTime last_seen;
  bool drained = false;
  std::string drain_reason;
  std::optional<wire::PowerModel> power;  // as a person calibrated it
  SessionId agent_session = 0;            // the first one of this agent_id: attempts of older ones are another agent's
  SessionId boot_session = 0;             // the first one of this boot
};

// --- writes: durable, all of a batch in one transaction, in order ---------------------------------------------------

struct PutSession {  // the last session number granted
  SessionId session = 0;
};

struct PutNode {
  NodeRecord node;
};

struct RemoveNode {  // its telemetry and the audit log stay
  std::string node;
};

struct AddJob {
  JobRecord job;
};

struct AddTasks {  // rows for appended tasks, state queued
  JobId job = 0;
  TaskIndex first = 0;
  std::vector<TaskInput> inputs;
};

struct PutProgress {
  JobId job = 0;
  JobProgress progress;
};

struct AddAttempt {  // also makes or updates the task's row: state assigned, attempts = key.attempt
  AttemptRecord attempt;
};

struct StartAttempt {  // task and attempt become running
  AttemptKey key;
  WallTime started;
};

// How an attempt ended that will not commit: "recalled", "node lost", "superseded", or an outcome's name.
struct EndAttempt {
  AttemptKey key;
  std::string outcome;
  std::optional<wire::Finished> result;  // absent where the node never told
  WallTime ended;
};

// A task's state, and its failures. For a final state the committed attempt, if any, is named. Not final and at a node:
// assigned, running or silent.
struct PutTask {
  TaskKey key;
  TaskState state = TaskState::queued;
  uint32_t failures = 0;
  uint32_t committed_attempt = 0;  // 0: none
  uint32_t crashes = 0;
};

// The output of a committed attempt: inline, or in the output file of that attempt.
struct PutOutput {
  AttemptKey key;
  wire::Stream stream = wire::Stream::stdout_;
  uint64_t size_bytes = 0;
  uint64_t dropped_bytes = 0;
  bool in_file = false;
  std::string data;  // when not in_file
};

// The job is not shown any more, and its rows go in steps; what began is finished after a restart.
struct ForgetJob {
  JobId job = 0;
};

struct RemoveTasks {  // tasks up to this index, with their attempts and outputs
  JobId job = 0;
  TaskIndex through = 0;
};

struct RemoveJob {  // the rest, when no task is left
  JobId job = 0;
};

// Ended tasks are queued again: their failures are forgotten, and what they had committed.
struct RetryTasks {
  JobId job = 0;
  std::vector<TaskIndex> tasks;
};

struct PutPower {
  PowerRecord power;
};

struct PutToken {
  TokenRecord token;
};

struct RemoveToken {
  std::string name;
};

struct PutPowerPause {
  PowerPause pause;
};

struct AddAudit {
  AuditRecord audit;
  size_t keep = 0;  // the newest so many; older ones go
};

using StoreWrite = std::variant<PutSession, PutNode, RemoveNode, AddJob, AddTasks, PutProgress, AddAttempt,
                                StartAttempt, EndAttempt, PutTask, PutOutput, ForgetJob, RemoveTasks, RemoveJob,
                                RetryTasks, PutPower, PutPowerPause, AddAudit, PutToken, RemoveToken>;

// --- what is read back at the start ---------------------------------------------------------------------------------

struct KeptInput {
  wire::BlobRef blob;
  uint64_t uses = 0;
};

struct LoadedState {
  StoreId store;
  TermId term = 0;  // already counted up for this start, and durable
  SessionId last_session = 0;
  JobId last_job = 0;
  std::vector<JobRecord> open_jobs;          // not final
  std::vector<TaskRecord> open_tasks;        // of open jobs: rows that are not final
  std::vector<AttemptRecord> open_attempts;  // not ended
  std::vector<NodeRecord> nodes;
  std::map<std::string, JobId> recent_submissions;  // by submit_id: the last final jobs
  std::vector<wire::BlobRef> blobs;                 // all that lie in the store
  std::vector<KeptInput> kept_inputs;               // of tasks and jobs that ended without success
  std::vector<JobId> forgotten_jobs;                // not removed yet
  std::vector<PowerRecord> power;
  PowerPause power_pause;
  std::vector<TokenRecord> tokens;
};

}  // namespace bramble::aggregator
