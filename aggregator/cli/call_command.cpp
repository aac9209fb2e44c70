#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "aggregator/cli/call_join.hpp"
#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/interrupts.hpp"
#include "aggregator/cli/job_inputs.hpp"
#include "aggregator/cli/submission.hpp"
#include "aggregator/cli/table.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr uint64_t kResultBytes = uint64_t{256} << 20;  // of a batch: it is held here while it is printed

// One `bramble call` from its first call to the last result, or to its cancellation.
class Calls {
 public:
  Calls(const Session& session, const CallCommand& command, const JobInputs& files, uint64_t slots)
      : session_(session),
        command_(command),
        files_(files),
        api_(session.connect()),
        window_(limits_for(slots)),
        interrupts_([this] {
          window_.stop();
          cancel();
        }) {}

  Result<int> run() {
    const Status status = call();
    if (interrupts_.signal() != 0) return interrupted();
    if (!status) {
      cancel();
      return tl::unexpected(status.error());
    }
    return failed_ == 0 ? kGood : kWorkFailed;
  }

 private:
  // Batches are small at first, and the next must be there when one ends. But what is far ahead was cut when less was
  // known of how long the calls take.
  static WindowLimits limits_for(uint64_t slots) {
    WindowLimits limits;
    limits.least_pieces = 2 * slots;
    limits.most_pieces = std::max<uint64_t>(16, 8 * slots);
    return limits;
  }

  void cancel() { session_.cancel(job_); }

  void stop_feeding() {
    window_.stop();
    session_.reconnect.stop_waiting_for_room();
  }

  int interrupted() {
    if (job_ != 0) {
      const std::string failed = failed_ > 0 ? fmt::format(", {} of them failed", failed_) : "";
      session_.console.say(
          fmt::format("job {0} is cancelled; answers to {1} of the {2} calls read were printed{3}; "
                      "all that there are: bramble job cat {0}",
                      job_.load(), answered_, read_, failed));
    }
    return kSignalBase + interrupts_.signal();
  }

  Result<json> body() {
    json body = submit_body(command_.task, posix::random_uuid());
    body["per_task_input"] = true;
    body["stdout_cap_bytes"] = kResultBytes;
    body["calls"] = {
        {"limit_ms", command_.call_limit_ms}, {"idle_ms", command_.idle_limit_ms}, {"retries", command_.call_retries}};
    if (command_.instances > 0) body["max_running"] = command_.instances;
    if (Status added = files_.upload(api_, body); !added) return tl::unexpected(added.error());
    return body;
  }

  Status call() {
    const auto request = body();
    if (!request) return tl::unexpected(request.error());
    const auto job = hand_in(api_, session_.console, *request);
    if (!job) return tl::unexpected(job.error());
    job_ = *job;
    if (interrupts_.signal() != 0) cancel();
    Api feeding = session_.connect();
    CallFeed feed(feeding, window_, job_, pace_, command_.form);
    std::thread feeder([&] { window_.feed_ended(feed.feed(STDIN_FILENO)); });
    CallJoin join(api_, session_.console, window_, job_, pace_);
    Status status = join.join(command_.form, command_.progress);
    if (!status) stop_feeding();
    feeder.join();
    session_.console.end_progress();
    failed_ = join.failed_calls();
    answered_ = join.calls();
    read_ = feed.calls();
    if (status && !window_.stopped() && join.calls() != feed.calls()) {
      status = fail(ErrorCode::corrupt,
                    fmt::format("job {} has results for {} of {} calls", job_.load(), join.calls(), feed.calls()));
    }
    if (status && read_ == 0 && !window_.stopped()) session_.console.say(nothing_asked());
    if (status && failed_ > 0) {
      session_.console.say(
          fmt::format("{0} of {1} calls failed (job {2}); what the kernels said: bramble job cat --stderr {2}", failed_,
                      join.calls(), job_.load()));
    }
    return status;
  }

  // Else a kernel that is misspelt would look as if it had answered: the nodes know theirs, and the head does not.
  std::string nothing_asked() const {
    return fmt::format("the input is empty: no call was made, and nobody tried whether the nodes have '{}'",
                       without_controls(command_.task.argv.front()));
  }

  const Session& session_;
  const CallCommand& command_;
  const JobInputs& files_;
  Api api_;
  MapWindow window_;
  CallPace pace_;
  std::atomic<JobId> job_ = 0;
  uint64_t failed_ = 0;
  uint64_t answered_ = 0;
  uint64_t read_ = 0;      // calls in the input, so far
  Interrupts interrupts_;  // last: its thread uses all of the above
};

// Else somebody who has forgotten the input waits for an answer.
std::string_view how_to_type(CallForm form) {
  return form == CallForm::lines ? "each line typed here is a call; Ctrl-D ends them"
                                 : "what is typed here is the call's input; Ctrl-D ends it";
}

}  // namespace

Result<int> call(const Session& session, const CallCommand& command) {
  const auto files = JobInputs::open(command.task.inputs);
  if (!files) return tl::unexpected(files.error());
  Api api = session.connect();
  const auto slots = count_slots(api, command.task);
  if (!slots) return tl::unexpected(slots.error());
  if (::isatty(STDIN_FILENO) == 1) session.console.say(how_to_type(command.form));
  return Calls(session, command, *files, *slots).run();
}

}  // namespace bramble::cli
