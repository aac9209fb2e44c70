// Ended tasks that are queued again under their own numbers.
//
// What ended is in the store only, so the request brings it along as it was read there; `retried` tells whether it is
// still so. Tasks that were cancelled before they were ever assigned have no rows and get none: they become untouched.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "aggregator/core/internal.hpp"

namespace bramble::aggregator {
namespace {

using MaybeRefused = std::optional<ApiReply>;

std::string name_of(const RetryPlan& plan) { return "job " + std::to_string(plan.job.id); }

bool is_forgotten(const State& state, JobId id) {
  return state.removed_jobs.contains(id) ||
         std::find(state.forgetting.begin(), state.forgetting.end(), id) != state.forgetting.end();
}

// Cancelled without a row; of an open job the tasks without a row are queued already.
uint64_t untouched(const RetryPlan& plan) {
  const auto& progress = plan.job.progress;
  return is_final(progress.state) ? progress.range.size() - std::min(plan.touched, progress.range.size()) : 0;
}

bool has_work(const RetryPlan& plan) { return !plan.tasks.empty() || untouched(plan) > 0; }

// Whether the job is not any more what was read.
bool is_stale(const State& state, const RetryPlan& plan) {
  const auto open = state.jobs.find(plan.job.id);
  if (open != state.jobs.end()) return open->second.record.progress.retried != plan.job.progress.retried;
  const auto ended = state.final_jobs.find(plan.job.id);
  if (ended != state.final_jobs.end()) return ended->second.progress != plan.job.progress;
  return !is_final(plan.job.progress.state);
}

MaybeRefused refuse_inputs(const State& state, const RetryPlan& plan) {
  if (refuse_blobs(state, plan.job.spec.stdin_blob, plan.job.spec.task.files)) {
    return refuse(409, "the input of " + name_of(plan) + " was removed when it had succeeded: submit it again");
  }
  const auto gone = std::find_if(plan.tasks.begin(), plan.tasks.end(), [&](const TaskRecord& task) {
    return refuse_blobs(state, task.stdin_blob, task.files).has_value();
  });
  if (gone == plan.tasks.end()) return {};
  return refuse(409, "the input of task " + to_string(gone->key) +
                         " was removed when it had succeeded: submit the work again, or retry without --all");
}

MaybeRefused refuse_plan(const State& state, const RetryPlan& plan) {
  if (is_forgotten(state, plan.job.id)) return refuse(404, "there is no " + name_of(plan) + " any more");
  if (is_stale(state, plan)) return refuse(409, name_of(plan) + " has changed meanwhile: say it again");
  const auto open = state.jobs.find(plan.job.id);
  if (open != state.jobs.end() && open->second.record.progress.cancel_requested) {
    return refuse(409, name_of(plan) + " is being cancelled: wait for its end (bramble job wait " +
                           std::to_string(plan.job.id) + ") and say it again");
  }
  return refuse_inputs(state, plan);
}

MaybeRefused refuse_all(const State& state, const RetryRequest& request) {
  size_t tasks = 0;
  size_t opened = 0;
  uint64_t inputs = 0;
  for (const auto& plan : request.plans) {
    if (!has_work(plan)) continue;
    if (auto refused = refuse_plan(state, plan)) return refused;
    tasks += plan.tasks.size();
    for (const TaskRecord& task : plan.tasks) inputs += count_inputs(task.stdin_blob, task.files);
    opened += state.jobs.contains(plan.job.id) ? 0 : 1;
  }
  if (tasks > kMaxRetriedTasks) {
    return refuse(400, "more than " + std::to_string(kMaxRetriedTasks) +
                           " tasks would be queued again at once: retry fewer jobs, or submit the work anew");
  }
  if (state.jobs.size() + opened > state.config.max_open_jobs) {
    return refuse(503, "there are " + std::to_string(state.jobs.size()) + " open jobs already; wait for some to end");
  }
  return refuse_more_inputs(state, inputs);
}

Job& open_again(State& state, Now now, RetryPlan& plan) {
  const JobId id = plan.job.id;
  if (Job* open = find_job(state, id)) return *open;
  Job& job = state.jobs[id];
  if (const auto ended = take_final(state, id)) job.version = ended->version;
  auto& progress = plan.job.progress;
  if (progress.state == JobState::succeeded) take_blobs(state, plan.job.spec.stdin_blob, plan.job.spec.task.files);
  const uint64_t never_assigned = untouched(plan);
  job.record = std::move(plan.job);
  auto& reopened = job.record.progress;
  reopened.counts.cancelled -= never_assigned;
  reopened.next_position = reopened.range.size() - never_assigned;
  reopened.state = JobState::waiting;  // running as soon as something has ended or runs
  reopened.cancel_requested = false;
  reopened.ended = {};
  job.first_start = now.mono;
  return job;
}

void queue_again(State& state, Now now, Job& job, TaskRecord& record) {
  auto& counts = job.record.progress.counts;
  if (record.state == TaskState::succeeded) {
    --counts.succeeded;
    take_blobs(state, record.stdin_blob, record.files);
  } else if (record.state == TaskState::failed) {
    --counts.failed;
  } else {
    --counts.cancelled;
  }
  state.open_inputs += count_inputs(record.stdin_blob, record.files);
  Task& task = state.tasks[record.key];
  task.attempts = record.attempts;
  task.stdin_blob = std::move(record.stdin_blob);
  task.files = std::move(record.files);
  if (!task.files.empty()) job.record.spec.task_files = true;
  queue_with_care(state, now, record.key, task);
}

uint64_t retry(State& state, Effects& effects, Now now, RetryPlan& plan) {
  const uint64_t tasks = plan.tasks.size() + untouched(plan);
  RetryTasks write{plan.job.id, {}};
  Job& job = open_again(state, now, plan);
  for (auto& record : plan.tasks) {
    write.tasks.push_back(record.key.task);
    queue_again(state, now, job, record);
  }
  ++job.record.progress.retried;
  job.ended_before = job.record.progress.counts.ended();
  effects.writes.push_back(std::move(write));
  for (const auto& key : plan.output_files) effects.files.push_back(RemoveOutput{key});
  touch(state, job);
  state.schedule_needed = true;
  return tasks;
}

}  // namespace

ApiReply retry_jobs(State& state, Effects& effects, Now now, RetryRequest& request) {
  if (auto refused = refuse_all(state, request)) return *refused;
  nlohmann::json retried = nlohmann::json::array();
  for (auto& plan : request.plans) {
    if (!has_work(plan)) continue;
    const JobId id = plan.job.id;
    retried.push_back({{"job", id}, {"tasks", retry(state, effects, now, plan)}});
  }
  return {200, nlohmann::json{{"retried", retried}}.dump(), {}};
}

}  // namespace bramble::aggregator
