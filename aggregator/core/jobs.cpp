// Jobs: their progress, their place in the queue, their end.
#include <algorithm>

#include "aggregator/core/internal.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMaxFinalJobs = 10000;

void update_ready_order(State& state, const Job& job) {
  const auto entry = std::pair(-int64_t{job.record.spec.priority}, job.record.id);
  if (job.ready() > 0) {
    if (state.ready_order.insert(entry).second) state.schedule_needed = true;
  } else {
    state.ready_order.erase(entry);
  }
}

JobState final_state(const JobProgress& progress) {
  if (progress.cancel_requested && progress.counts.cancelled > 0) return JobState::cancelled;
  return progress.counts.failed > 0 ? JobState::failed : JobState::succeeded;
}

void remember_final(State& state, const Job& job) {
  const JobId id = job.record.id;
  state.final_jobs[id] = {job.record.progress, job.version, job.record.spec.submit_id};
  state.final_order.push_back(id);
  if (state.final_order.size() <= kMaxFinalJobs) return;
  const auto oldest = state.final_jobs.find(state.final_order.front());
  state.submissions.erase(oldest->second.submit_id);
  state.final_jobs.erase(oldest);
  state.final_order.pop_front();
}

void finish_job(State& state, Effects& effects, Now now, Job& job) {
  auto& progress = job.record.progress;
  progress.state = final_state(progress);
  progress.ended = now.wall;
  const bool is_over = progress.state == JobState::succeeded;  // else its input is kept for another try
  if (is_over) drop_job_blobs(state, effects, now, job.record.spec);
  if (is_over && !progress.cancel_requested && progress.checkpoint) {  // nobody will go on with it
    drop_blob(state, effects, now, *progress.checkpoint);
    progress.checkpoint.reset();
  }
  remember_final(state, job);
}

}  // namespace

uint64_t Job::ready() const {
  const auto& progress = record.progress;
  if (progress.cancel_requested) return 0;
  return again.size() + (progress.range.size() - progress.next_position);
}

std::optional<State::FinalJob> take_final(State& state, JobId id) {
  const auto found = state.final_jobs.find(id);
  if (found == state.final_jobs.end()) return {};
  State::FinalJob job = std::move(found->second);
  state.final_jobs.erase(found);
  state.final_order.erase(std::find(state.final_order.begin(), state.final_order.end(), id));
  return job;
}

Job* find_job(State& state, JobId id) {
  const auto found = state.jobs.find(id);
  return found == state.jobs.end() ? nullptr : &found->second;
}

void touch(State& state, Job& job) {
  state.dirty_jobs.insert(job.record.id);
  update_ready_order(state, job);
}

namespace {

// Tasks that no attempt holds are cancelled at once. Those of an array that were never touched have no row and are
// counted only.
void cancel_waiting_tasks(State& state, Effects& effects, Now now, Job& job) {
  auto& progress = job.record.progress;
  std::vector<TaskIndex> again(job.again.begin(), job.again.end());
  for (const auto& [when, key] : state.delayed) {
    if (key.job == job.record.id) again.push_back(key.task);
  }
  for (const TaskIndex index : again) {
    const TaskKey key{job.record.id, index};
    if (state.tasks.at(key).open.empty()) {
      end_task(state, effects, now, key, TaskState::cancelled, 0);
    } else {
      unqueue(state, key, state.tasks.at(key));
    }
  }
  progress.counts.cancelled += progress.range.size() - progress.next_position;
  state.ended.cancelled += progress.range.size() - progress.next_position;
  progress.next_position = progress.range.size();
  for (const auto& [index, input] : job.inputs) {  // kept: the task may be tried again
    effects.writes.push_back(PutTask{{job.record.id, index}, TaskState::cancelled, 0, 0});
    state.open_inputs -= count_inputs(input.stdin_blob, input.files);
  }
  job.inputs.clear();
}

}  // namespace

void cancel_job(State& state, Effects& effects, Now now, Job& job) {
  auto& progress = job.record.progress;
  if (progress.cancel_requested) return;
  progress.cancel_requested = true;
  progress.open = false;
  cancel_waiting_tasks(state, effects, now, job);
  std::vector<AttemptKey> open(job.attempts.begin(), job.attempts.end());
  std::sort(open.begin(), open.end());
  for (const auto& key : open) {
    const auto found = state.attempts.find(key);
    if (found == state.attempts.end()) continue;
    if (!found->second.lost) {
      cancel_attempt(state, now, found->second);
    } else if (!is_in_other_hands(state, state.tasks.at(key.task_key()))) {
      // Nobody is there to be told now; the node hears it when it is back.
      end_task(state, effects, now, key.task_key(), TaskState::cancelled, 0);
    } else if (state.unproved.contains(key)) {
      set_task_state(state, effects, key.task_key(), TaskState::silent);  // until it is proved dead
    }
  }
  touch(state, job);
}

void settle_jobs(State& state, Effects& effects, Now now) {
  const std::set<JobId> dirty = std::move(state.dirty_jobs);
  state.dirty_jobs.clear();
  for (const JobId id : dirty) {
    Job* job = find_job(state, id);
    if (job == nullptr) continue;
    auto& progress = job->record.progress;
    if (progress.state == JobState::waiting && (job->running > 0 || progress.counts.ended() > 0)) {
      progress.state = JobState::running;
      job->first_start = now.mono;
    }
    ++job->version;
    const bool over = !progress.open && progress.counts.ended() == progress.counts.total;
    if (over) finish_job(state, effects, now, *job);
    effects.writes.push_back(PutProgress{id, progress});
  }
  answer_job_waiters(state, effects, now);
  for (const JobId id : dirty) {
    const Job* job = find_job(state, id);
    if (job == nullptr || !is_final(job->record.progress.state)) continue;
    state.ready_order.erase({-int64_t{job->record.spec.priority}, id});
    state.jobs.erase(id);
  }
}

}  // namespace bramble::aggregator
