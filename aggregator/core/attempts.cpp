// The life of attempts and of the tasks that they try.
#include <algorithm>

#include "aggregator/core/internal.hpp"

namespace bramble::aggregator {
namespace {

constexpr double kMeanWeight = 0.1;  // of the newest duration in a job's mean

void count_use(NodeUse& use, const wire::TaskSpec& spec, int sign) {
  use.slots += sign * int64_t{spec.cpus};
  use.memory_bytes += sign * static_cast<int64_t>(spec.memory_bytes);
  for (const auto& [name, amount] : spec.resources) use.resources[name] += sign * amount;
}

void note_duration(Job& job, int64_t duration_ms) {
  const auto duration = static_cast<double>(std::max<int64_t>(duration_ms, 1));
  job.mean_ms = job.mean_ms == 0 ? duration : job.mean_ms + kMeanWeight * (duration - job.mean_ms);
}

// Takes the attempt out of everything that counts it. Its record is gone afterwards.
void erase_attempt(State& state, AttemptKey key) {
  const auto found = state.attempts.find(key);
  Attempt& attempt = found->second;
  stop_pulls(state, attempt);
  Node& node = state.nodes[attempt.node];
  if (attempt.lost) {
    node.lost_attempts.erase(key);
  } else {
    detach(state, attempt);
  }
  state.unproved.erase(key);
  state.jobs.at(key.job).attempts.erase(key);
  auto& open = state.tasks.at(key.task_key()).open;
  open.erase(std::remove(open.begin(), open.end(), key), open.end());
  state.attempts.erase(found);
  state.schedule_needed = true;
}

}  // namespace

void attach(State& state, Attempt& attempt) {
  Node& node = state.nodes[attempt.node];
  Job& job = state.jobs.at(attempt.key.job);
  node.attempts.insert(attempt.key);
  count_use(node.use, job.record.spec.task, +1);
  ++job.at_nodes;
  if (attempt.running) {
    ++job.running;
  } else {
    ++node.unstarted;
  }
}

void detach(State& state, Attempt& attempt) {
  Node& node = state.nodes[attempt.node];
  Job& job = state.jobs.at(attempt.key.job);
  node.attempts.erase(attempt.key);
  count_use(node.use, job.record.spec.task, -1);
  --job.at_nodes;
  if (attempt.running) {
    --job.running;
  } else {
    --node.unstarted;
  }
  touch(state, job);
}

void mark_running(State& state, Attempt& attempt, bool running) {
  if (!running || attempt.running) return;
  attempt.running = true;
  if (attempt.lost) return;
  Job& job = state.jobs.at(attempt.key.job);
  ++job.running;
  --state.nodes[attempt.node].unstarted;
  touch(state, job);
}

namespace {

// The next task of the job to be placed: those that come back first.
TaskKey take_next_task(State& state, Job& job) {
  TaskKey key{job.record.id, 0};
  if (!job.again.empty()) {
    key.task = job.again.front();
    job.again.pop_front();
    state.tasks.at(key).waiting_again = false;
    return key;
  }
  auto& progress = job.record.progress;
  key.task = progress.range.at(progress.next_position++);
  Task& task = state.tasks[key];
  if (const auto input = job.inputs.find(key.task); input != job.inputs.end()) {
    task.stdin_blob = std::move(input->second.stdin_blob);
    task.files = std::move(input->second.files);
    job.inputs.erase(input);
  }
  return key;
}

}  // namespace

void assign_next(State& state, Effects& effects, Now now, Job& job, NodeIndex node_index) {
  const TaskKey key = take_next_task(state, job);
  Task& task = state.tasks.at(key);
  Node& node = state.nodes[node_index];
  Attempt attempt;
  attempt.key = {key.job, key.task, ++task.attempts};
  attempt.node = node_index;
  attempt.session = node.session;
  attempt.assigned = now.wall;
  attempt.sent = now.mono;
  task.state = TaskState::assigned;
  task.open.push_back(attempt.key);
  job.attempts.insert(attempt.key);
  effects.writes.push_back(
      AddAttempt{AttemptRecord{attempt.key, node.record.status.node, attempt.session, attempt.assigned, {}}});
  mail_launch(state, now, node, attempt.key, job, task);
  attach(state, state.attempts.emplace(attempt.key, std::move(attempt)).first->second);
  touch(state, job);
}

void cancel_attempt(State& state, Now now, Attempt& attempt) {
  attempt.cancel = true;
  attempt.sent = now.mono;
  if (!attempt.lost) mail_to(state, state.nodes[attempt.node]).cancel.push_back(attempt.key);
}

namespace {

// Without a place yet.
void put_back(State& state, Effects& effects, const TaskKey& key, Task& task) {
  task.state = TaskState::queued;
  effects.writes.push_back(PutTask{key, TaskState::queued, task.failures, 0, task.crashes});
  touch(state, state.jobs.at(key.job));
}

void stand_in_line(State& state, const TaskKey& key, Task& task) {
  Job& job = state.jobs.at(key.job);
  task.waiting_again = true;
  job.again.push_back(key.task);
  touch(state, job);
  state.schedule_needed = true;
}

int64_t delay_ms(const Config& config, uint32_t tries) {
  int64_t delay = config.retry_delay_ms;
  for (uint32_t i = 1; i < tries && delay < config.max_retry_delay_ms; ++i) delay *= 2;
  return std::min(delay, config.max_retry_delay_ms);
}

}  // namespace

void requeue(State& state, Effects& effects, const TaskKey& key, Task& task) {
  put_back(state, effects, key, task);
  stand_in_line(state, key, task);
}

void requeue_later(State& state, Effects& effects, Now now, const TaskKey& key, Task& task, uint32_t tries) {
  if (tries == 0 || state.config.retry_delay_ms == 0) return requeue(state, effects, key, task);
  put_back(state, effects, key, task);
  task.not_before = now.mono + delay_ms(state.config, tries);
  state.delayed.emplace(*task.not_before, key);
}

void queue_delayed(State& state, Now now) {
  while (!state.delayed.empty() && state.delayed.begin()->first <= now.mono) {
    const TaskKey key = state.delayed.begin()->second;
    state.delayed.erase(state.delayed.begin());
    Task& task = state.tasks.at(key);
    task.not_before.reset();
    stand_in_line(state, key, task);
  }
}

void unqueue(State& state, const TaskKey& key, Task& task) {
  if (task.not_before) {
    state.delayed.erase({*task.not_before, key});
    task.not_before.reset();
  }
  if (!task.waiting_again) return;
  task.waiting_again = false;
  Job& job = state.jobs.at(key.job);
  job.again.erase(std::find(job.again.begin(), job.again.end(), key.task));
  touch(state, job);
}

void set_task_state(State& state, Effects& effects, const TaskKey& key, TaskState to) {
  Task& task = state.tasks.at(key);
  if (task.state == to) return;
  task.state = to;
  effects.writes.push_back(PutTask{key, to, task.failures, 0, task.crashes});
}

namespace {

// Another attempt's result was committed: this one is not wanted any more.
void supersede(State& state, Effects& effects, Now now, const AttemptKey& key) {
  const Attempt& attempt = state.attempts.at(key);
  Node& node = state.nodes[attempt.node];
  node.strays[key] = now.mono;
  if (!attempt.lost) mail_to(state, node).cancel.push_back(key);
  effects.writes.push_back(EndAttempt{key, "superseded", {}, now.wall});
  effects.files.push_back(RemoveOutput{key});
  erase_attempt(state, key);
}

void count_end(TaskCounts& counts, TaskState final_state) {
  if (final_state == TaskState::succeeded) ++counts.succeeded;
  if (final_state == TaskState::failed) ++counts.failed;
  if (final_state == TaskState::cancelled) ++counts.cancelled;
}

}  // namespace

// One that is lost may never come back, so its task does not wait for it - unless it must be proved dead first.
bool is_in_other_hands(const State& state, const Task& task) {
  return task.is_queued() || std::any_of(task.open.begin(), task.open.end(), [&](const AttemptKey& key) {
           return !state.attempts.at(key).lost || state.unproved.contains(key);
         });
}

void end_task(State& state, Effects& effects, Now now, const TaskKey& key, TaskState final_state, uint32_t committed) {
  Task& task = state.tasks.at(key);
  Job& job = state.jobs.at(key.job);
  unqueue(state, key, task);
  const auto rivals = task.open;
  for (const auto& rival : rivals) supersede(state, effects, now, rival);
  effects.writes.push_back(PutTask{key, final_state, task.failures, committed, task.crashes});
  if (final_state == TaskState::succeeded) drop_blobs(state, effects, now, task.stdin_blob, task.files);
  count_end(job.record.progress.counts, final_state);
  count_end(state.ended, final_state);
  state.open_inputs -= count_inputs(task.stdin_blob, task.files);
  state.tasks.erase(key);
  touch(state, job);
}

namespace {

// A launch that never arrived, or waited in the memory of an agent that died, was no try.
bool may_have_run(const Attempt& attempt) { return attempt.running || attempt.rebooted || attempt.lost; }

// Whether its node has now gone down under this task once too often.
bool reaches_crash_limit(const State& state, const Attempt& attempt) {
  const uint32_t limit = state.jobs.at(attempt.key.job).record.spec.crash_limit;
  return attempt.crashed && limit != 0 && state.tasks.at(attempt.key.task_key()).crashes + 1 >= limit;
}

}  // namespace

void abandon_attempt(State& state, Effects& effects, Now now, AttemptKey key, const std::string& outcome) {
  const Attempt& attempt = state.attempts.at(key);
  const bool was_try = outcome != "recalled" && may_have_run(attempt);
  const bool crashed = attempt.crashed;
  const bool too_often = reaches_crash_limit(state, attempt);
  const TaskKey task_key = key.task_key();
  Task& task = state.tasks.at(task_key);
  if (crashed) ++task.crashes;
  effects.writes.push_back(EndAttempt{
      key,
      too_often ? "crash limit: its node went down during " + std::to_string(task.crashes) + " attempts" : outcome,
      {},
      now.wall});
  effects.files.push_back(RemoveOutput{key});
  erase_attempt(state, key);
  if (too_often) return end_task(state, effects, now, task_key, TaskState::failed, 0);
  if (is_in_other_hands(state, task)) return;
  const Job& job = state.jobs.at(key.job);
  if (job.record.progress.cancel_requested) {
    end_task(state, effects, now, task_key, TaskState::cancelled, 0);
  } else if (job.record.spec.on_node_loss == NodeLossPolicy::fail && was_try) {
    end_task(state, effects, now, task_key, TaskState::failed, 0);
  } else {
    requeue_later(state, effects, now, task_key, task, crashed ? task.crashes : 0);
  }
}

namespace {

void put_output(Effects& effects, const AttemptKey& key, wire::Stream stream, const wire::StreamResult& result) {
  if (result.kept_bytes == 0 && result.dropped_bytes == 0) return;
  PutOutput output{key, stream, result.kept_bytes, result.dropped_bytes, !is_inline(result), {}};
  if (!output.in_file) output.data = result.data;
  effects.writes.push_back(std::move(output));
}

void commit_result(State& state, Effects& effects, Now now, const AttemptKey& key, TaskState final_state,
                   const wire::Finished& result) {
  put_output(effects, key, wire::Stream::stdout_, result.out);
  put_output(effects, key, wire::Stream::stderr_, result.err);
  if (is_inline(result.out) && is_inline(result.err)) effects.files.push_back(RemoveOutput{key});
  end_task(state, effects, now, key.task_key(), final_state, key.attempt);
}

// That the cluster lost it a few times is bad luck; then something is wrong, and it should not spin.
uint32_t unlucky_tries(const Task& task) {
  constexpr uint32_t kFreeTries = 3;
  return task.attempts <= kFreeTries ? 0 : task.attempts - kFreeTries;
}

constexpr int kOutputLostCode = 74;   // of a task that went well, by its warden: EX_IOERR of sysexits.h
constexpr uint32_t kNoRoomTries = 3;  // besides the job's retries: another node may have room, or this one soon

// The node's text says what of it was lost; a task that ends so by itself has none.
bool had_no_room(const wire::Finished& result) {
  return result.outcome == wire::Outcome::exited && result.code == kOutputLostCode && !result.text.empty();
}

uint32_t free_tries(const JobSpec& spec, const wire::Finished& result) {
  return had_no_room(result) && spec.on_node_loss != NodeLossPolicy::fail ? kNoRoomTries : 0;
}

// What a result means for its task, besides what it means for the attempt.
void judge(State& state, Effects& effects, Now now, const AttemptKey& key, const wire::Finished& result) {
  const TaskKey task_key = key.task_key();
  Task& task = state.tasks.at(task_key);
  const Job& job = state.jobs.at(key.job);
  const bool cancelling = job.record.progress.cancel_requested;
  if (result.outcome == wire::Outcome::exited && result.code == 0) {
    return commit_result(state, effects, now, key, TaskState::succeeded, result);
  }
  const bool has_rival = is_in_other_hands(state, task);
  if (cancelling && result.outcome == wire::Outcome::cancelled) {
    if (!has_rival) return commit_result(state, effects, now, key, TaskState::cancelled, result);
    effects.files.push_back(RemoveOutput{key});
    return;
  }
  const bool counts = !is_clusters_fault(result.outcome) && result.outcome != wire::Outcome::cancelled;
  if (counts) ++task.failures;
  const uint32_t free = free_tries(job.record.spec, result);
  if (counts && task.failures > job.record.spec.retries + free && !has_rival) {
    return commit_result(state, effects, now, key, TaskState::failed, result);
  }
  effects.files.push_back(RemoveOutput{key});
  if (has_rival) return;
  if (cancelling) return end_task(state, effects, now, task_key, TaskState::cancelled, 0);
  if (!counts && job.record.spec.on_node_loss == NodeLossPolicy::fail) {
    return end_task(state, effects, now, task_key, TaskState::failed, 0);
  }
  const uint32_t tries = counts ? task.failures - (free > 0 ? 1 : 0) : unlucky_tries(task);  // elsewhere at once
  requeue_later(state, effects, now, task_key, task, tries);
}

}  // namespace

void conclude(State& state, Effects& effects, Now now, AttemptKey key, const wire::Finished& result) {
  Attempt& attempt = state.attempts.at(key);
  Job& job = state.jobs.at(key.job);
  if (!attempt.started && result.started_wall_ms > 0) {
    effects.writes.push_back(StartAttempt{key, WallTime{result.started_wall_ms}});
  }
  if (result.outcome == wire::Outcome::exited) note_duration(job, result.duration_ms);
  if (had_no_room(result)) avoid_full_node(state, now, job, attempt.node);
  job.ended_energy_j += result.energy_j;
  state.ended_energy_j += result.energy_j;
  mail_to(state, state.nodes[attempt.node]).done.push_back(key);
  effects.writes.push_back(EndAttempt{key, std::string(wire::to_string(result.outcome)), result, now.wall});
  erase_attempt(state, key);
  judge(state, effects, now, key, result);
}

}  // namespace bramble::aggregator
