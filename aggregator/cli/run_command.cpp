#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/interrupts.hpp"
#include "aggregator/cli/job_inputs.hpp"
#include "aggregator/cli/output_stream.hpp"
#include "aggregator/cli/spool.hpp"
#include "aggregator/cli/submission.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::cli {
namespace {

constexpr TaskIndex kOnlyTask = 0;

// Both streams of one task, each over a connection of its own, to standard output and standard error.
class LiveOutput {
 public:
  LiveOutput(const Session& session, TaskKey task) : session_(session), task_(task) {}

  // Returns when both streams are final, or when standard output cannot be written any more.
  Status show() {
    Status error_stream;
    std::thread errors([&] { error_stream = follow(wire::Stream::stderr_); });
    const Status out_stream = follow(wire::Stream::stdout_);
    if (!out_stream) stop_ = true;
    errors.join();
    return out_stream ? error_stream : out_stream;
  }

 private:
  Status follow(wire::Stream stream) {
    Api api = session_.connect();
    const OutputHandlers handlers{[&](std::string_view bytes) { return write(stream, bytes); },
                                  [&](uint32_t attempt) { say_restarted(attempt); }};
    Status status = follow_output(api, task_, stream, handlers);
    // The task must not go on writing for a reader that left.
    if (!status && status.error().code == ErrorCode::io) (void)api.cancel(task_.job);
    return status;
  }

  Status write(wire::Stream stream, std::string_view bytes) {
    if (stop_) return fail(ErrorCode::io, "standard output is gone");
    if (bytes.empty()) return {};
    shown_ = true;
    if (stream == wire::Stream::stdout_) return session_.console.print(bytes);
    session_.console.print_error_stream(bytes);
    return {};
  }

  void say_restarted(uint32_t attempt) {
    const std::lock_guard lock(mutex_);
    if (!shown_ || attempt <= announced_) return;
    announced_ = attempt;
    session_.console.say(fmt::format("the task runs again (attempt {}): its output follows from the start", attempt));
  }

  const Session& session_;
  const TaskKey task_;
  std::atomic<bool> shown_ = false;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  uint32_t announced_ = 0;
};

// Cancels the job at the first Ctrl-C; before its number is known, as soon as it is.
class CancelOnInterrupt {
 public:
  explicit CancelOnInterrupt(const Session& session) : session_(session), interrupts_([this] { cancel(); }) {}

  void job_is(JobId job) {
    job_ = job;
    if (interrupts_.signal() != 0) cancel();
  }
  int signal() const { return interrupts_.signal(); }

 private:
  void cancel() {
    session_.reconnect.stop_waiting_for_room();
    if (job_ == 0) return;
    Api api = session_.connect();
    if (const auto status = api.cancel(job_); !status) session_.console.say(status.error().message);
  }

  const Session& session_;
  std::atomic<JobId> job_ = 0;
  Interrupts interrupts_;
};

// Standard input as a blob; nothing where there is none to pass on.
Result<std::optional<wire::BlobRef>> upload_standard_input(Api& api) {
  if (::isatty(STDIN_FILENO) == 1) return std::nullopt;
  auto spool = Spool::create();
  if (!spool) return tl::unexpected(spool.error());
  if (auto status = spool->write_all_of(STDIN_FILENO); !status) return tl::unexpected(status.error());
  if (spool->size_bytes() == 0) return std::nullopt;
  const auto blob = api.put_blob_file(spool->fd(), spool->size_bytes());
  if (!blob) return tl::unexpected(blob.error());
  return *blob;
}

Result<int> own_status(const Session& session, Api& api, TaskKey task) {
  const auto report = fetch_task_report(api, task);
  if (!report) return tl::unexpected(report.error());
  if (report->end.outcome != "exited" && report->end.outcome != "signaled") {
    session.console.say(fmt::format("the task (job {}) {}", task.job, describe_end(*report)));
  }
  return status_of(report->end);
}

}  // namespace

Result<int> run(const Session& session, const RunCommand& command) {
  auto files = JobInputs::open(command.task.inputs);
  if (!files) return tl::unexpected(files.error());
  Api api = session.connect();
  // Before standard input is read: an aggregator that is not there is better told at once.
  if (const auto health = api.get("/api/v1/health"); !health) return tl::unexpected(health.error());
  nlohmann::json body = submit_body(command.task, posix::random_uuid());
  const auto input = upload_standard_input(api);
  if (!input) return tl::unexpected(input.error());
  if (*input) add_stdin(body, **input);
  if (Status added = files->upload(api, body); !added) return tl::unexpected(added.error());
  CancelOnInterrupt cancel(session);
  const auto job = hand_in(api, session.console, body);
  if (!job) return tl::unexpected(job.error());
  cancel.job_is(*job);
  const TaskKey task{*job, kOnlyTask};
  if (auto status = LiveOutput(session, task).show(); !status) {
    if (status.error().code != ErrorCode::unavailable) return tl::unexpected(status.error());
    return fail(ErrorCode::unavailable, fmt::format("{}; job {} may still run there", status.error().message, *job));
  }
  const auto status = own_status(session, api, task);
  if (!status) return status;
  return cancel.signal() != 0 ? kSignalBase + cancel.signal() : *status;
}

}  // namespace bramble::cli
