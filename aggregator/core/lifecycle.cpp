// The beginning and the end, the connection to the broker, and what time brings.
#include <algorithm>

#include "aggregator/core/doctor.hpp"
#include "aggregator/core/home_assistant.hpp"
#include "aggregator/core/internal.hpp"
#include "aggregator/core/power_internal.hpp"
#include "aggregator/core/reactor.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kFirstBackoffMs = 100;
constexpr int64_t kMaxBackoffMs = 5000;
constexpr int64_t kRepeatMs = 250;
constexpr int64_t kStallMs = 1000;  // between two ticks: we were not running

Publish status_message(const State& state, bool online) {
  const wire::AggregatorStatus status{online, state.store, state.term, state.config.run, state.config.version};
  return {state.topics.aggregator_status(), wire::encode(status), 1, true};
}

void load_nodes(State& state, LoadedState& loaded) {
  for (auto& record : loaded.nodes) {
    state.node_by_name[record.status.node] = static_cast<NodeIndex>(state.nodes.size());
    Node& node = state.nodes.emplace_back();
    node.record = std::move(record);
    if (!node.record.status.online && node.record.status.reason == "goodbye") node.state = NodeState::stopped;
  }
}

// What no open job uses may have been uploaded just before the restart: it is kept like a new upload.
void load_blobs(State& state, Now now, const LoadedState& loaded) {
  for (const auto& blob : loaded.blobs) keep_blob(state, now, blob);
  for (const auto& input : loaded.kept_inputs) take_kept_blob(state, input.blob, input.uses);
}

void load_jobs(State& state, Now now, LoadedState& loaded) {
  for (auto& record : loaded.open_jobs) {
    Job& job = state.jobs[record.id];
    job.record = std::move(record);
    job.first_start = now.mono;
    job.ended_before = job.record.progress.counts.ended();
    take_blobs(state, job.record.spec.stdin_blob, job.record.spec.task.files);
    if (job.record.progress.checkpoint) take_blob(state, *job.record.progress.checkpoint);
    if (!job.record.spec.submit_id.empty()) state.submissions[job.record.spec.submit_id] = job.record.id;
  }
}

void load_tasks(State& state, LoadedState& loaded) {
  for (auto& record : loaded.open_tasks) {
    Job& job = state.jobs.at(record.key.job);
    const auto& progress = job.record.progress;
    take_blobs(state, record.stdin_blob, record.files);
    state.open_inputs += count_inputs(record.stdin_blob, record.files);
    if (!record.files.empty()) job.record.spec.task_files = true;
    if ((record.key.task - progress.range.first) / progress.range.step >= progress.next_position) {
      job.inputs[record.key.task] = {std::move(*record.stdin_blob), std::move(record.files)};
      continue;
    }
    Task& task = state.tasks[record.key];
    task.state = record.state;
    task.attempts = record.attempts;
    task.failures = record.failures;
    task.crashes = record.crashes;
    task.stdin_blob = std::move(record.stdin_blob);
    task.files = std::move(record.files);
  }
}

void load_attempts(State& state, Effects& effects, Now now, LoadedState& loaded) {
  for (const auto& record : loaded.open_attempts) {
    const auto task = state.tasks.find(record.key.task_key());
    const auto node = state.node_by_name.find(record.node);
    if (task == state.tasks.end() || node == state.node_by_name.end()) {
      effects.writes.push_back(EndAttempt{record.key, "superseded", {}, now.wall});
      continue;
    }
    Attempt attempt;
    attempt.key = record.key;
    attempt.node = node->second;
    attempt.session = record.session;
    attempt.running = record.started.has_value();
    attempt.answered = true;  // told by the node's inventory, if not
    attempt.assigned = record.assigned;
    attempt.started = record.started;
    const NodeRecord& at = state.nodes[attempt.node].record;
    attempt.orphan = attempt.session < at.agent_session;
    attempt.own_heard = now.mono;
    attempt.rebooted = !attempt.orphan && attempt.session < at.boot_session;
    task->second.open.push_back(record.key);
    state.jobs.at(record.key.job).attempts.insert(record.key);
    attach(state, state.attempts.emplace(record.key, std::move(attempt)).first->second);
  }
}

// Tasks whose row says that they are at a node, or queued, and that no open attempt holds.
void queue_orphans(State& state, Now now) {
  std::vector<TaskKey> orphans;
  for (const auto& [key, task] : state.tasks) {
    const bool was_requeued = task.state == TaskState::queued;
    if (was_requeued || task.open.empty()) orphans.push_back(key);
  }
  std::sort(orphans.begin(), orphans.end());
  for (const auto& key : orphans) {
    Task& task = state.tasks.at(key);
    task.state = TaskState::queued;
    queue_with_care(state, now, key, task);
  }
}

}  // namespace

void on_start(State& state, Effects& effects, Now now, LoadedState loaded) {
  state.store = loaded.store;
  state.term = loaded.term;
  state.last_session = loaded.last_session;
  state.last_job = loaded.last_job;
  state.last_tick = now.mono;
  state.started = now.mono;
  state.connect_at = now.mono;
  load_nodes(state, loaded);
  load_blobs(state, now, loaded);
  state.submissions.insert(loaded.recent_submissions.begin(), loaded.recent_submissions.end());
  load_jobs(state, now, loaded);
  state.forgetting.assign(loaded.forgotten_jobs.begin(), loaded.forgotten_jobs.end());
  load_tasks(state, loaded);
  load_attempts(state, effects, now, loaded);
  queue_orphans(state, now);
  load_power(state, effects, now, loaded);
  for (auto& token : loaded.tokens) state.tokens.insert_or_assign(token.name, std::move(token));
  std::vector<Job*> cancelled;
  for (auto& [id, job] : state.jobs) {
    if (job.record.progress.cancel_requested) cancelled.push_back(&job);
    touch(state, job);
  }
  for (Job* job : cancelled) {
    job->record.progress.cancel_requested = false;  // asked for again: it is idempotent
    cancel_job(state, effects, now, *job);
  }
}

void on_connected(State& state, Effects& effects, Now now) {
  if (state.connected) return;
  state.connected = true;
  state.backoff_ms = 0;
  state.last_disconnect_reason.clear();
  state.trusted_since = now.mono + state.config.grace_ms;
  state.schedule_needed = true;
  effects.publish.push_back(status_message(state, true));
  announce_all_again(state, effects);  // the broker may have forgotten
  publish_alerts_again(state, effects, now);
  effects.info("connected to the broker");
}

void on_disconnected(State& state, Effects& effects, Now now, const std::string& reason) {
  state.connected = false;
  if (reason != state.last_disconnect_reason) {
    effects.warn("no connection to the broker: " + reason + "; trying again until there is one");
    state.last_disconnect_reason = reason;
  }
  state.backoff_ms = std::clamp(state.backoff_ms * 2, kFirstBackoffMs, kMaxBackoffMs);
  state.connect_at = now.mono + state.backoff_ms;
  for (auto& [key, attempt] : state.attempts) {
    stop_pulls(state, attempt);
    for (auto& progress : attempt.streams) progress.queued = false;
  }
  state.pull_queue.clear();
}

namespace {

void connect_when_due(State& state, Effects& effects, Now now) {
  if (state.connected || now.mono < state.connect_at) return;
  state.connect_at = now.mono + kMaxBackoffMs * 2;  // the attempt's own end sets it anew
  effects.connect = status_message(state, false);
}

// Every open attempt is looked at: seldom enough to cost nothing when there are many.
void repeat_unanswered(State& state, Effects& effects, Now now) {
  if (now.mono < state.repeat_at) return;
  state.repeat_at = now.mono + kRepeatMs;
  resend(state, now);
  retry_pulls(state, effects, now);
}

}  // namespace

void on_tick(State& state, Effects& effects, Now now) {
  if (now.mono - state.last_tick > kStallMs) {
    state.trusted_since = std::max(state.trusted_since, now.mono + state.config.grace_ms);
  }
  state.last_tick = now.mono;
  connect_when_due(state, effects, now);
  if (state.gone_back.empty()) {
    watch_silence(state, effects, now);
    watch_leases(state, effects, now);
  }
  watch_power(state, effects, now);
  watch_alerts(state, effects, now);
  queue_delayed(state, now);
  repeat_unanswered(state, effects, now);
  rebalance(state, now);
  sweep_blobs(state, effects, now);
  remove_forgotten(state, effects);
  expire_jobs(state, effects, now);
  answer_job_waiters(state, effects, now);
  answer_late_doctors(state, effects, now);
}

void on_batch_end(State& state, Effects& effects, Now now) {
  schedule(state, effects, now);
  settle_jobs(state, effects, now);
  answer_output_waiters(state, effects, now);
  send_gathered(state, effects, now);
  flush(state, effects);
  ++state.power.batch;
}

MonoTime next_wake(const State& state, MonoTime tick) {
  return std::min(tick, state.blob_groups.next_due().value_or(tick));
}

void on_stop(State& state, Effects& effects, Now) {
  if (state.connected) effects.publish.push_back(status_message(state, false));
}

}  // namespace bramble::aggregator
