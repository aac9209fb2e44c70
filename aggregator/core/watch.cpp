// Those who wait: for a job to change, for output to grow.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "aggregator/core/internal.hpp"

namespace bramble::aggregator {
namespace {

std::optional<int64_t> time_left_ms(const Job& job, Now now) {
  const auto& progress = job.record.progress;
  const uint64_t ended = progress.counts.ended() - std::min(job.ended_before, progress.counts.ended());
  const int64_t spent_ms = now.mono - job.first_start;
  if (progress.open || ended == 0 || spent_ms <= 0) return {};
  const uint64_t left = progress.counts.total - progress.counts.ended();
  return static_cast<int64_t>(static_cast<double>(left) * static_cast<double>(spent_ms) / static_cast<double>(ended));
}

ApiReply answer(const State& state, const JobWaiter& waiter, Now now) {
  const auto found = state.jobs.find(waiter.request.job);
  ApiReply reply;
  if (found != state.jobs.end()) {
    const Job& job = found->second;
    reply.body = job_watch_json(job.record.progress, job.version, job.at_nodes, job.running, time_left_ms(job, now));
    return reply;
  }
  const auto& final_job = state.final_jobs.at(waiter.request.job);
  reply.body = job_watch_json(final_job.progress, final_job.version, 0, 0, 0);
  return reply;
}

}  // namespace

std::string job_watch_json(const JobProgress& progress, uint64_t version, uint64_t at_nodes, uint64_t running,
                           std::optional<int64_t> eta_ms) {
  const auto& counts = progress.counts;
  nlohmann::json json;
  json["version"] = version;
  json["state"] = to_string(progress.state);
  json["open"] = progress.open;
  json["tasks"] = {{"total", counts.total},
                   {"waiting", counts.total - counts.ended() - std::min(at_nodes, counts.total - counts.ended())},
                   {"assigned", at_nodes - running},
                   {"running", running},
                   {"succeeded", counts.succeeded},
                   {"failed", counts.failed},
                   {"cancelled", counts.cancelled}};
  json["eta_ms"] = eta_ms ? nlohmann::json(*eta_ms) : nlohmann::json(nullptr);
  return json.dump();
}

void answer_job_waiters(State& state, Effects& effects, Now now) {
  std::erase_if(state.watched_jobs, [&](JobId id) {
    Job* job = find_job(state, id);
    if (job == nullptr) return true;
    std::erase_if(job->waiters, [&](JobWaiter& waiter) {
      if (waiter.request.since == job->version && now.mono < waiter.deadline) return false;
      effects.replies.push_back({std::move(waiter.reply), answer(state, waiter, now)});
      return true;
    });
    return job->waiters.empty();
  });
}

bool was_touched(const Job& job, TaskIndex task) {
  const auto& progress = job.record.progress;
  return progress.range.contains(task) && (task - progress.range.first) / progress.range.step < progress.next_position;
}

namespace {

// The attempt whose output people are shown: the newest one that is open.
const Attempt* shown_attempt(const State& state, const Task& task) {
  const Attempt* shown = nullptr;
  for (const auto& key : task.open) {
    const Attempt& attempt = state.attempts.at(key);
    if (shown == nullptr || key.attempt > shown->key.attempt) shown = &attempt;
  }
  return shown;
}

// An answer, or nothing yet.
std::optional<ApiReply> output_answer(const State& state, const OutputWaiter& waiter, bool last_chance) {
  const auto& request = waiter.request;
  ApiReply reply;
  const auto job = state.jobs.find(request.task.job);
  if (job == state.jobs.end()) {
    reply.http_status = 410;  // not open: the store has everything
    return reply;
  }
  const auto found = state.tasks.find(request.task);
  if (found == state.tasks.end()) {
    const auto& progress = job->second.record.progress;
    if (was_touched(job->second, request.task.task)) {
      reply.output.final = true;
      return reply;
    }
    if (!progress.open && !progress.range.contains(request.task.task)) {
      reply.http_status = 404;
      reply.body = nlohmann::json{{"error", "job " + std::to_string(request.task.job) + " has no task " +
                                                std::to_string(request.task.task)}}
                       .dump();
      return reply;
    }
  } else if (const Attempt* attempt = shown_attempt(state, found->second); attempt != nullptr && !request.only_final) {
    const auto& stream = attempt->streams[index_of(request.stream)];
    reply.output = {attempt->key.attempt, stream.have_bytes, false};
    const bool other_attempt = request.attempt != 0 && request.attempt != attempt->key.attempt;
    if (other_attempt ? true : stream.have_bytes > request.offset) return reply;
  }
  if (last_chance) return reply;
  return {};
}

}  // namespace

void answer_output_waiters(State& state, Effects& effects, Now now) {
  std::erase_if(state.output_waiters, [&](OutputWaiter& waiter) {
    auto reply = output_answer(state, waiter, now.mono >= waiter.deadline);
    if (!reply) return false;
    effects.replies.push_back({std::move(waiter.reply), std::move(*reply)});
    return true;
  });
}

}  // namespace bramble::aggregator
