// What reads the store or changes jobs; runs on a worker.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "aggregator/http/render.hpp"
#include "aggregator/http/selection.hpp"
#include "aggregator/http/service.hpp"
#include "common/base/nearest.hpp"

namespace bramble::aggregator::http {
namespace {

constexpr uint64_t kMaxListed = 10'000;
constexpr uint64_t kDefaultListed = 1'000;
constexpr size_t kMaxRetriedJobs = 1'000;

// Empty: any.
Result<std::optional<JobState>> parse_job_state(const std::string& word) {
  if (word.empty()) return std::nullopt;
  for (const JobState state :
       {JobState::waiting, JobState::running, JobState::succeeded, JobState::failed, JobState::cancelled}) {
    if (word == to_string(state)) return state;
  }
  return fail("'" + word + "' is no state of a job: write waiting, running, succeeded, failed or cancelled");
}

}  // namespace

void Service::submit(const Route&, HttpRequest& request, const Answer& answer) {
  auto submission = parse_submit(request.body, request.caller);
  if (!submission) return answer(error_reply(submission.error()));
  ask_and_answer(request.caller, std::move(*submission), answer);
}

void Service::append(const Route& route, HttpRequest& request, const Answer& answer) {
  auto append = parse_append(request.body, route.job);
  if (!append) return answer(error_reply(append.error()));
  ask_and_answer(request.caller, std::move(*append), answer);
}

void Service::close(const Route& route, HttpRequest& request, const Answer& answer) {
  if (const Status good = parse_close(request.body); !good) return answer(error_reply(good.error()));
  ask_and_answer(request.caller, CloseRequest{route.job}, answer);
}

// One whose file is gone or cut off is as one that never came: the upload that follows mends it.
void Service::keep_known_blob(const Route&, HttpRequest& request, const Answer& answer) {
  const auto keep = parse_keep(request.body);
  if (!keep) return answer(error_reply(keep.error()));
  const auto size_bytes = backend_.files.blob_size(keep->sha256);
  if (!size_bytes || *size_bytes != keep->size_bytes.value_or(*size_bytes)) {
    return answer(error_reply(409, "the aggregator does not have this blob: upload it (POST /api/v1/blobs)"));
  }
  ask_and_answer(request.caller, KeepBlobRequest{{keep->sha256, *size_bytes}, false}, answer);
}

void Service::keep_checkpoint(const Route& route, HttpRequest& request, const Answer& answer) {
  const auto checkpoint = parse_checkpoint(request.body, route.job);
  if (!checkpoint) return answer(error_reply(checkpoint.error()));
  ask_and_answer(request.caller, *checkpoint, answer);
}

void Service::cancel(const Route&, HttpRequest& request, const Answer& answer) {
  const auto cancellation = parse_cancel(request.body);
  if (!cancellation) return answer(error_reply(cancellation.error()));
  auto jobs = select_for_cancel(backend_.jobs, cancellation->jobs, request.caller);
  if (!jobs) return answer(error_reply(jobs.error()));
  ask_and_answer(request.caller, CancelRequest{std::move(*jobs)}, answer);
}

void Service::retry(const Route&, HttpRequest& request, const Answer& answer) {
  const auto retrying = parse_retry(request.body);
  if (!retrying) return answer(error_reply(retrying.error()));
  const auto chosen = select_own(backend_.jobs, retrying->jobs, request.caller);
  if (!chosen) return answer(error_reply(chosen.error()));
  if (chosen->size() > kMaxRetriedJobs) {
    return answer(error_reply(400, "these are " + std::to_string(chosen->size()) + " jobs: retry at most " +
                                       std::to_string(kMaxRetriedJobs) + " at once"));
  }
  RetryRequest retry;
  size_t room = kMaxRetriedTasks + 1;  // one too many is enough for the reactor to refuse them all
  for (const ChosenJob& job : *chosen) {
    auto plan = backend_.jobs.retry_plan(job.id, retrying->all, room);
    if (!plan) return answer(error_reply(plan.error()));
    room -= std::min(room, plan->tasks.size());
    retry.plans.push_back(std::move(*plan));
  }
  ask_and_answer(request.caller, std::move(retry), answer);
}

void Service::forget(const Route&, HttpRequest& request, const Answer& answer) {
  const auto forgetting = parse_forget(request.body);
  if (!forgetting) return answer(error_reply(forgetting.error()));
  auto jobs = select_for_forget(backend_.jobs, forgetting->jobs, request.caller);
  if (!jobs) return answer(error_reply(jobs.error()));
  ask_and_answer(request.caller, ForgetRequest{std::move(*jobs)}, answer);
}

void Service::list_jobs(const Route&, HttpRequest& request, const Answer& answer) {
  Params params(request.params, {"select", "owner", "state", "limit"});
  const auto limit = static_cast<size_t>(params.number("limit", kDefaultListed, 1, kMaxListed));
  if (!params.status()) return answer(error_reply(params.status().error()));
  const std::string select = params.text("select");
  const auto selector = parse_job_selector(select.empty() ? "all" : select);
  if (!selector) return answer(error_reply(selector.error()));
  const auto state = parse_job_state(params.text("state"));
  if (!state) return answer(error_reply(state.error()));
  const auto rows = select_jobs(backend_.jobs, *selector, {params.text("owner"), *state, limit}, request.caller);
  answer(rows ? json_reply(render_jobs(*rows, silence())) : error_reply(rows.error()));
}

void Service::show_job(const Route& route, HttpRequest& request, const Answer& answer) {
  const Params params(request.params, {});
  if (!params.status()) return answer(error_reply(params.status().error()));
  const auto row = find_job(route.job);
  if (!row) return answer(error_reply(row.error()));
  const auto energy = backend_.jobs.energy(route.job);
  answer(energy ? json_reply(render_job(*row, *energy, silence())) : error_reply(energy.error()));
}

void Service::list_tasks(const Route& route, HttpRequest& request, const Answer& answer) {
  Params params(request.params, {"first", "limit"});
  const auto first = static_cast<TaskIndex>(params.number("first", 0, 0, std::numeric_limits<TaskIndex>::max()));
  const auto limit = static_cast<size_t>(params.number("limit", kDefaultListed, 1, kMaxListed));
  if (!params.status()) return answer(error_reply(params.status().error()));
  if (const auto job = find_job(route.job); !job) return answer(error_reply(job.error()));
  const auto rows = backend_.jobs.tasks(route.job, first, limit);
  answer(rows ? json_reply(render_tasks(*rows)) : error_reply(rows.error()));
}

}  // namespace bramble::aggregator::http
