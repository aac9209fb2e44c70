#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "aggregator/cli/call_results.hpp"
#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/interrupts.hpp"
#include "aggregator/cli/job_selection.hpp"
#include "aggregator/cli/output_stream.hpp"
#include "aggregator/cli/submission.hpp"
#include "aggregator/cli/text.hpp"
#include "aggregator/cli/views.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr int64_t kTasksAtOnce = 1'000;

Result<json> tasks_from(Api& api, JobId job, int64_t first) {
  auto tasks = api.get(fmt::format("/api/v1/jobs/{}/tasks?first={}&limit={}", job, first, kTasksAtOnce));
  if (tasks && !tasks->is_array()) return fail(ErrorCode::corrupt, "the aggregator's list of tasks is not understood");
  return tasks;
}

// Every task that was touched, page by page.
Status for_each_task(Api& api, JobId job, const std::function<Status(const json&)>& handle) {
  int64_t first = 0;
  while (true) {
    const auto tasks = tasks_from(api, job, first);
    if (!tasks) return tl::unexpected(tasks.error());
    for (const json& task : *tasks) {
      if (auto status = handle(task); !status) return status;
      first = std::max(first, number_field(task, "task") + 1);
    }
    if (static_cast<int64_t>(tasks->size()) < kTasksAtOnce) return {};
  }
}

Result<json> job_with_all_tasks(Api& api, JobId number) {
  auto job = api.get(fmt::format("/api/v1/jobs/{}", number));
  if (!job) return job;
  json list = json::array();
  const auto status = for_each_task(api, number, [&](const json& task) -> Status {
    list.push_back(task);
    return {};
  });
  if (!status) return tl::unexpected(status.error());
  (*job)["task_list"] = std::move(list);
  return job;
}

Result<std::string> job_info_text(Api& api, JobId number, size_t columns) {
  const auto job = api.get(fmt::format("/api/v1/jobs/{}", number));
  if (!job) return tl::unexpected(job.error());
  const auto tasks = tasks_from(api, number, 0);
  if (!tasks) return tl::unexpected(tasks.error());
  return job_details(*job) + (tasks->empty() ? "" : try_table(*tasks).render(columns)) +
         (static_cast<int64_t>(tasks->size()) < kTasksAtOnce ? "" : "(more tasks than these: --json shows all)\n");
}

// The indices of a job's tasks, whether touched or not.
std::vector<TaskIndex> task_indices(const json& job) {
  const json spec = job.value("spec", json::object());
  const json array = spec.value("array", json());
  std::vector<TaskIndex> indices;
  const uint64_t total = counts_field(job).total;
  const auto first = static_cast<TaskIndex>(number_field(array, "first"));
  const auto step = static_cast<TaskIndex>(std::max<int64_t>(number_field(array, "step", 1), 1));
  for (uint64_t i = 0; i < total; ++i) indices.push_back(static_cast<TaskIndex>(first + i * step));
  return indices;
}

// Of a job of calls: how they are printed.
struct CallsOfJob {
  CallResults results;
  CallsDue due;
  bool alone = false;  // in one task
};

struct Cat {
  const Session& session;
  Api& api;
  const JobCatCommand& command;
  const std::optional<TaskIndex>& only;
  mutable bool wrote = false;  // anything

  Status write_task(TaskKey task, CallsOfJob* calls) const {
    const wire::Stream stream = command.standard_error ? wire::Stream::stderr_ : wire::Stream::stdout_;
    const ByteSink print = [&](std::string_view bytes) {
      wrote = wrote || !bytes.empty();
      return session.console.print_output(bytes);
    };
    std::optional<ReplyStream> replies;
    if (calls != nullptr) replies.emplace(calls->results, calls->due, calls->alone, print);
    const ByteSink read = [&](std::string_view bytes) { return replies->take(bytes); };
    const ByteSink& write = replies ? read : print;
    const Status written =
        command.follow ? follow(task, stream, write, replies) : copy_output(api, task, stream, write);
    return written && replies ? replies->end() : written;
  }

  Status follow(TaskKey task, wire::Stream stream, const ByteSink& write, std::optional<ReplyStream>& replies) const {
    const auto restarted = [&](uint32_t attempt) {
      if (replies) replies->restart();
      session.console.say(
          fmt::format("task {} runs again (attempt {}): its output follows from the start", to_string(task), attempt));
    };
    return follow_output(api, task, stream, {write, restarted});
  }

  Status write_touched(JobId job, CallsOfJob* calls) const {
    return for_each_task(api, job, [&](const json& task) {
      return write_task({job, static_cast<TaskIndex>(number_field(task, "task"))}, calls);
    });
  }

  // An open job's tasks become more while those before are followed.
  Status write_all_as_they_come(JobId number, CallsOfJob* calls) const {
    size_t written = 0;
    while (true) {
      const auto job = api.get(fmt::format("/api/v1/jobs/{}", number));
      if (!job) return tl::unexpected(job.error());
      const std::vector<TaskIndex> indices = task_indices(*job);
      for (; written < indices.size(); ++written) {
        if (auto status = write_task({number, indices[written]}, calls); !status) return status;
      }
      if (!flag_field(*job, "open")) return {};
      const auto view = api.watch(number, 0, 1);
      if (!view) return tl::unexpected(view.error());
    }
  }

  // The exit status: of calls that are printed as results, that of the `call` that made them.
  Result<int> write_job(JobId number) const {
    const auto job = api.get(fmt::format("/api/v1/jobs/{}", number));
    if (!job) return tl::unexpected(job.error());
    CallsOfJob calls{{session.console, CallForm::whole, "call"},
                     {0, !only},
                     counts_field(*job).total == 1 && !flag_field(*job, "open")};
    CallsOfJob* const of_calls = as_results(*job) ? &calls : nullptr;
    const Status written = only             ? write_task({number, *only}, of_calls)
                           : command.follow ? write_all_as_they_come(number, of_calls)
                                            : write_touched(number, of_calls);
    if (!written) return tl::unexpected(written.error());
    if (command.standard_error && !wrote) {
      session.console.say(fmt::format("{} wrote nothing to standard error", place_text(number)));
    }
    if (of_calls == nullptr) return kGood;
    const auto of_batches = status_of_batches(number, calls);
    return of_batches && calls.results.failed() > 0 ? kWorkFailed : of_batches;
  }

  std::string place_text(JobId number) const {
    return only ? "task " + to_string(TaskKey{number, *only}) : fmt::format("job {}", number);
  }

  // A batch that was not answered has no replies, so none that failed.
  Result<int> status_of_batches(JobId number, const CallsOfJob& calls) const {
    if (only) {
      const auto report = fetch_task_report(api, {number, *only});
      if (!report) return tl::unexpected(report.error());
      if (report->state == "failed" && calls.due.next == 0) {
        session.console.say(fmt::format("{} {}", place_text(number), describe_end(*report)));
      }
      if (report->state == "cancelled") session.console.say(place_text(number) + " was cancelled");
      return report->state == "failed" || report->state == "cancelled" ? kWorkFailed : kGood;
    }
    const auto job = api.get(fmt::format("/api/v1/jobs/{}", number));
    if (!job) return tl::unexpected(job.error());
    const std::string state = text_field(*job, "state");
    const std::string last = calls.due.next == 0 ? "no call has an answer"
                             : calls.due.counted ? fmt::format("no call after {} has an answer", calls.due.next)
                                                 : "the calls that are left have no answer";
    if (state == "cancelled") session.console.say(fmt::format("job {} was cancelled: {}", number, last));
    if (state == "waiting" || state == "running") {
      session.console.say(fmt::format("job {} is {}: {} yet (--follow waits for them)", number, state, last));
    }
    if (state == "failed" && calls.due.next == 0) session.console.say(fmt::format("job {} failed: {}", number, last));
    const bool failed = counts_field(*job).failed > 0;  // a batch may have failed as a whole
    return failed || state == "failed" || state == "cancelled" ? kWorkFailed : kGood;
  }

  bool as_results(const json& job) const {
    const json spec = job.value("spec", json::object());
    return !command.standard_error && !command.frames && spec.contains("calls") && spec["calls"].is_object();
  }
};

}  // namespace

Result<int> job_list(const Session& session, const JobListCommand& command) {
  Api api = session.connect();
  auto jobs = select_jobs(api, command);
  if (!jobs) return tl::unexpected(jobs.error());
  say_troubles(api, session.console);
  if (session.common.json) return printed(session, jobs->dump() + "\n");
  add_waiting_words(api, *jobs);
  const size_t columns = session.console.columns();
  return printed(session, job_table(*jobs, columns).render(columns));
}

Result<int> job_info(const Session& session, const JobInfoCommand& command) {
  Api api = session.connect();
  const auto numbers = select_numbers(api, command.selector);
  if (!numbers) return tl::unexpected(numbers.error());
  json all = json::array();
  for (const JobId number : *numbers) {
    if (session.common.json) {
      auto job = job_with_all_tasks(api, number);
      if (!job) return tl::unexpected(job.error());
      all.push_back(std::move(*job));
    } else {
      const auto text = job_info_text(api, number, session.console.columns());
      if (!text) return tl::unexpected(text.error());
      if (auto status = printed(session, *text); !status) return status;
    }
  }
  return session.common.json ? printed(session, all.dump() + "\n") : Result<int>(kGood);
}

Result<int> job_wait(const Session& session, const JobWaitCommand& command) {
  Api api = session.connect();
  const auto numbers = select_numbers(api, command.selector);
  if (!numbers) return tl::unexpected(numbers.error());
  int status = kGood;
  for (const JobId number : *numbers) {
    const auto view = wait_for_job(api, session.console, number, command.progress);
    if (!view) return tl::unexpected(view.error());
    const std::string complaint = job_complaint(number, *view);
    if (complaint.empty()) continue;
    session.console.say(complaint);
    status = kWorkFailed;
  }
  return status;
}

Result<int> job_cancel(const Session& session, const JobCancelCommand& command) {
  Api api = session.connect();
  const auto reply = api.post("/api/v1/jobs/cancel", {{"jobs", command.selector}});
  if (!reply) return tl::unexpected(reply.error());
  if (session.common.json) return printed(session, reply->value("cancelled", json::array()).dump() + "\n");
  std::string text;
  for (const json& job : reply->value("cancelled", json::array()))
    text += fmt::format("cancelled job {}\n", job.dump());
  return printed(session, text.empty() ? "nothing to cancel: these jobs have ended\n" : text);
}

Result<int> job_retry(const Session& session, const JobRetryCommand& command) {
  Api api = session.connect();
  const auto reply = api.post("/api/v1/jobs/retry", {{"jobs", command.selector}, {"all", command.all}});
  if (!reply) return tl::unexpected(reply.error());
  const json retried = reply->value("retried", json::array());
  if (session.common.json) return printed(session, retried.dump() + "\n");
  std::string text;
  for (const json& job : retried) {
    const auto tasks = static_cast<uint64_t>(number_field(job, "tasks"));
    text += fmt::format("job {}: {} queued again\n", number_field(job, "job"), count_text(tasks, "task"));
  }
  return printed(session, text.empty() ? "nothing to retry: no task of these jobs failed or was cancelled\n" : text);
}

Result<int> job_forget(const Session& session, const JobForgetCommand& command) {
  Api api = session.connect();
  const auto reply = api.post("/api/v1/jobs/forget", {{"jobs", command.selector}});
  if (!reply) return tl::unexpected(reply.error());
  const json jobs = reply->value("forgotten", json::array());
  if (session.common.json) return printed(session, jobs.dump() + "\n");
  if (jobs.empty()) return printed(session, "nothing to forget: no job has ended\n");
  return printed(session,
                 fmt::format("forgot {}; their rows and files are being removed\n", count_text(jobs.size(), "job")));
}

Result<int> job_cat(const Session& session, const JobCatCommand& command) {
  Api api = session.connect();
  int status = kGood;
  for (const JobPlace& place : command.places) {
    const auto numbers = select_numbers(api, place.selector);
    if (!numbers) return tl::unexpected(numbers.error());
    for (const JobId number : *numbers) {
      const auto written = Cat{session, api, command, place.task}.write_job(number);
      if (!written) return written;
      status = std::max(status, *written);
    }
  }
  return status;
}

}  // namespace bramble::cli
