#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/interrupts.hpp"
#include "aggregator/cli/job_inputs.hpp"
#include "aggregator/cli/map_feed.hpp"
#include "aggregator/cli/map_join.hpp"
#include "aggregator/cli/map_shuffle.hpp"
#include "aggregator/cli/spool.hpp"
#include "aggregator/cli/submission.hpp"
#include "aggregator/cli/table.hpp"
#include "common/posix/uuid.hpp"
#include "common/wire/call_frames.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr TaskIndex kOnlyTask = 0;
constexpr int64_t kReducePollS = 30;
constexpr uint64_t kMostPartitions = 64;
constexpr uint64_t kMostReplyBytes = wire::kReplyHeadBytes + wire::kMaxCallBytes;

// One map from its first piece to the last byte of its output, or to its cancellation.
class Map {
 public:
  Map(const Session& session, const MapCommand& command, const JobInputs& files, uint64_t slots)
      : session_(session),
        command_(command),
        files_(files),
        partitions_(command.partitions > 0 ? command.partitions : std::min<uint64_t>(slots, kMostPartitions)),
        api_(session.connect()),
        window_(limits_for(slots)),
        interrupts_([this] { interrupt(); }) {}

  Result<int> run() {
    if (command_.by_key()) return ended(shuffle());
    if (command_.reduce.empty()) return ended(map_to([&](std::string_view bytes) { return print(bytes); }));
    auto spool = Spool::create();
    if (!spool) return tl::unexpected(spool.error());
    Status status = map_to([&](std::string_view bytes) { return spool->write(bytes); });
    if (status && interrupts_.signal() == 0) status = reduce(*spool);
    return ended(status);
  }

 private:
  static WindowLimits limits_for(uint64_t slots) {
    WindowLimits limits;
    limits.least_pieces = 2 * slots;
    return limits;
  }

  void interrupt() {
    window_.stop();
    cancel();
  }

  void cancel() { session_.cancel(job_); }

  void stop_feeding() {
    window_.stop();
    session_.reconnect.stop_waiting_for_room();
  }

  Status open_job(json body) {
    if (auto status = files_.upload(api_, body); !status) return status;
    const auto job = hand_in(api_, session_.console, body);
    if (!job) return tl::unexpected(job.error());
    job_ = *job;
    if (interrupts_.signal() != 0) cancel();
    return {};
  }

  Status print(std::string_view bytes) { return session_.console.print(bytes); }

  bool as_calls() const { return command_.by_key() || !command_.kernel.empty(); }

  json map_body() const {
    TaskOptions task = command_.task;
    if (command_.by_key()) {
      task.argv = shuffle_command(command_.kernel, command_.combine, partitions_, command_.task.argv);
    } else if (as_calls()) {
      task.argv = {command_.kernel};
    }
    json body = submit_body(task, posix::random_uuid());
    body["per_task_input"] = true;
    if (as_calls()) {
      body["calls"] = {{"limit_ms", 0}};  // a piece may take as long as a task may: --time-limit
      body["stdout_cap_bytes"] = kMostReplyBytes;
    }
    return body;
  }

  // Else a command or a kernel that is misspelt would look as if it had run.
  std::string nothing_mapped() const {
    const std::string& name = command_.kernel.empty() ? command_.task.argv.front() : command_.kernel;
    return fmt::format("the input is empty: nothing was mapped, and nobody tried whether the nodes have '{}'",
                       without_controls(name));
  }

  // The outputs of all pieces in order.
  Status map_to(const ByteSink& write) {
    return map_each([&](TaskKey task, const OutputPart& begin) {
      size_t head_bytes = as_calls() ? wire::kReplyHeadBytes : 0;  // no begin is shorter than that
      return copy_final_output(api_, task, wire::Stream::stdout_, begin, [&](std::string_view bytes) {
        return write(bytes.substr(std::min(std::exchange(head_bytes, 0), bytes.size())));
      });
    });
  }

  Status map_each(const PieceTaker& take, uint64_t begin_bytes = 0) {
    if (auto status = open_job(map_body()); !status) return status;
    Api feeding = session_.connect();
    MapFeed feed(feeding, window_, job_, command_.split, as_calls());
    std::thread feeder([&] { window_.feed_ended(feed.feed(command_.inputs)); });
    const Status status = MapJoin(api_, session_.console, window_, job_, command_.progress).join(take, begin_bytes);
    if (!status) stop_feeding();
    feeder.join();
    session_.console.end_progress();
    if (status && feed.pieces() == 0 && !window_.stopped()) session_.console.say(nothing_mapped());
    return status;
  }

  Status shuffle() {
    PartitionTable table(partitions_);
    const auto take = [&](TaskKey task, const OutputPart& begin) {
      return table.add(task.task, begin.data, begin.size_bytes);
    };
    if (auto status = map_each(take, table.begin_bytes()); !status || interrupts_.signal() != 0) return status;
    const JobId mapped = job_;
    TaskOptions task = command_.task;
    task.argv = {"mapreduce", "reduce", command_.reduce};
    json body = submit_body(task, posix::random_uuid());
    body["per_task_input"] = true;
    if (auto status = open_job(body); !status) return status;
    TaskIndex tasks = 0;
    for (const auto& parts : table.partitions()) {
      if (parts.empty()) continue;
      const auto blob = gather(mapped, parts);
      if (!blob) return tl::unexpected(blob.error());
      if (!*blob) return {};  // interrupted
      if (auto status = api_.append(job_, tasks++, {**blob}); !status) return status;
    }
    if (auto status = api_.close(job_); !status) return status;
    return SortedJoin(api_, session_.console, job_, tasks).join([&](std::string_view bytes) { return print(bytes); });
  }

  // However long that takes; nothing where it was interrupted.
  Result<std::optional<wire::BlobRef>> gather(JobId mapped, const std::vector<OutputSlice>& parts) {
    while (interrupts_.signal() == 0) {
      auto blob = api_.gather(mapped, parts);
      if (!blob || *blob) return blob;
    }
    return std::nullopt;
  }

  Status reduce(const Spool& spool) {
    TaskOptions task = command_.task;
    task.argv = {"sh", "-c", command_.reduce};
    json body = submit_body(task, posix::random_uuid());
    if (spool.size_bytes() > 0) {  // a task without input reads nothing, which is the same
      const auto blob = api_.put_blob_file(spool.fd(), spool.size_bytes());
      if (!blob) return tl::unexpected(blob.error());
      add_stdin(body, *blob);
    }
    if (auto status = open_job(std::move(body)); !status) return status;
    return write_reduced({job_, kOnlyTask});
  }

  Status write_reduced(TaskKey task) {
    while (true) {
      const auto part = api_.output({task, wire::Stream::stdout_, 0, 0, true, kReducePollS});
      if (!part) return tl::unexpected(part.error());
      if (!part->final) continue;
      const auto report = fetch_task_report(api_, task);
      if (!report) return tl::unexpected(report.error());
      if (report->state != "succeeded") return reduce_failed(task, *report);
      return copy_final_output(api_, task, wire::Stream::stdout_, *part,
                               [&](std::string_view bytes) { return print(bytes); });
    }
  }

  Status reduce_failed(TaskKey task, const TaskReport& report) {
    show_stderr_tail(api_, session_.console, task);
    return fail(ErrorCode::io, fmt::format("the reduce command (job {}) {}", task.job, describe_end(report)));
  }

  Result<int> ended(const Status& status) {
    if (interrupts_.signal() != 0) {
      if (job_ != 0) session_.console.say(fmt::format("job {} is cancelled: its output is not whole", job_.load()));
      return kSignalBase + interrupts_.signal();
    }
    if (status) return kGood;
    cancel();
    return tl::unexpected(status.error());
  }

  const Session& session_;
  const MapCommand& command_;
  const JobInputs& files_;
  const size_t partitions_;
  Api api_;
  MapWindow window_;
  std::atomic<JobId> job_ = 0;
  Interrupts interrupts_;  // last: its thread uses all of the above
};

}  // namespace

Result<int> map(const Session& session, const MapCommand& command) {
  if (auto status = check_inputs(command.inputs); !status) return tl::unexpected(status.error());
  const auto files = JobInputs::open(command.task.inputs);
  if (!files) return tl::unexpected(files.error());
  Api api = session.connect();
  const auto slots = count_slots(api, command.task);
  if (!slots) return tl::unexpected(slots.error());
  const bool reads_input = std::find(command.inputs.begin(), command.inputs.end(), "-") != command.inputs.end();
  if (reads_input && ::isatty(STDIN_FILENO) == 1)
    session.console.say("what is typed here is the input; Ctrl-D ends it");
  return Map(session, command, *files, *slots).run();
}

}  // namespace bramble::cli
