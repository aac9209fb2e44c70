// exec: a job of one task for each node, their outputs mixed line by line.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/interrupts.hpp"
#include "aggregator/cli/job_selection.hpp"
#include "aggregator/cli/named_lines.hpp"
#include "aggregator/cli/node_selection.hpp"
#include "aggregator/cli/output_stream.hpp"
#include "aggregator/cli/submission.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

// Nodes; the output of more follows when one of these has ended. Each takes two of the 256 long polls that the
// aggregator has for all who ask.
constexpr size_t kMaxShownAtOnce = 8;
constexpr std::chrono::seconds kBetweenLooks{2};

struct Part {
  std::string node;
  JobId job = 0;
  Status shown;
  bool withdrawn = false;  // and it was said why
};

// Cancels all of them at the first Ctrl-C; those that are handed in at that moment, too.
class CancelAllOnInterrupt {
 public:
  explicit CancelAllOnInterrupt(const Session& session) : session_(session), interrupts_([this] { cancel(); }) {}

  void add(JobId job) {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(job);
    }
    if (interrupts_.signal() != 0) cancel();
  }
  // Also without a signal: what was begun must not go on alone.
  void cancel() {
    session_.reconnect.stop_waiting_for_room();
    const std::lock_guard lock(mutex_);
    Api api = session_.connect();
    for (const JobId job : std::exchange(jobs_, {})) {
      if (const auto status = api.cancel(job); !status) session_.console.say(status.error().message);
    }
  }
  int signal() const { return interrupts_.signal(); }

 private:
  const Session& session_;
  std::mutex mutex_;
  std::vector<JobId> jobs_;
  Interrupts interrupts_;
};

// Why no task is launched there now; empty where one is.
std::string why_not(const json& node) {
  if (flag_field(node, "drained")) return "drained";
  const std::string state = text_field(node, "state");
  return state == "on" ? "" : state;
}

std::string why_not(const json& nodes, const std::string& name) {
  for (const json& node : nodes) {
    if (text_field(node, "node") == name) return why_not(node);
  }
  return "removed";
}

// Only what is on can run it now; of the others it is said why they do not.
std::vector<Part> choose_parts(Console& console, const json& nodes) {
  std::vector<Part> parts;
  for (const json& node : nodes) {
    const std::string name = text_field(node, "node"), why = why_not(node);
    if (why.empty()) {
      parts.push_back({name, 0, {}});
    } else {
      console.say(fmt::format("{}: not run there, for it is {}", name, why));
    }
  }
  return parts;
}

Status hand_in_all(const Session& session, Api& api, const ExecCommand& command, std::vector<Part>& parts,
                   CancelAllOnInterrupt& cancel) {
  TaskOptions task = command.task;
  for (Part& part : parts) {
    if (cancel.signal() != 0) return {};
    task.on = part.node;
    const auto job = hand_in(api, session.console, submit_body(task, posix::random_uuid()));
    if (!job) {
      cancel.cancel();
      return tl::unexpected(job.error());
    }
    part.job = *job;
    cancel.add(*job);
  }
  return {};
}

// A node that goes off or is drained before its task starts would leave the job waiting, to run hours later: while it
// lives, this looks after those that have not started, and cancels them then.
class StartWatch {
 public:
  StartWatch(const Session& session, std::vector<Part>& parts) : session_(session) {
    for (Part& part : parts) {
      if (part.job != 0) waiting_.push_back(&part);
    }
    thread_ = std::thread([this] { run(); });
  }
  ~StartWatch() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  StartWatch(const StartWatch&) = delete;
  StartWatch& operator=(const StartWatch&) = delete;

 private:
  void run() {
    Api api = session_.connect();
    while (!waiting_.empty()) {
      {
        std::unique_lock lock(mutex_);
        if (changed_.wait_for(lock, kBetweenLooks, [this] { return done_; })) return;
      }
      look(api);
    }
  }

  // The nodes first: what still waits when its node was seen to be drained is not launched any more. What cannot be
  // asked, those who follow the outputs cannot either: they tell.
  void look(Api& api) {
    std::string selector;
    for (const Part* part : waiting_) selector += fmt::format("{}{}", selector.empty() ? "" : ",", part->job);
    const auto nodes = all_nodes(api);
    if (!nodes) return;
    const auto jobs = select_jobs(api, {selector, "", static_cast<int64_t>(waiting_.size())});
    if (!jobs) return;
    std::erase_if(waiting_, [&](Part* part) {
      const json counts = counts_now(*jobs, part->job);
      if (number_field(counts, "waiting") == 0) return number_field(counts, "assigned") == 0;  // which may come back
      const std::string why = why_not(*nodes, part->node);
      if (!why.empty()) withdraw(api, *part, why);
      return !why.empty();
    });
  }

  static json counts_now(const json& jobs, JobId number) {
    for (const json& job : jobs) {
      if (number_field(job, "job") == static_cast<int64_t>(number)) return job.value("tasks", json::object());
    }
    return json::object();
  }

  void withdraw(Api& api, Part& part, const std::string& why) {
    const auto status = api.cancel(part.job);
    if (!status) return session_.console.say(status.error().message);
    part.withdrawn = true;
    session_.console.say(
        fmt::format("{}: not run there, for it is {} by now: job {} was cancelled", part.node, why, part.job));
  }

  const Session& session_;
  std::vector<Part*> waiting_;  // the thread's alone
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::thread thread_;
};

Status show_stream(const Session& session, const Part& part, wire::Stream stream) {
  Api api = session.connect();
  NamedLines lines(part.node, [&](std::string_view text) -> Status {
    if (stream == wire::Stream::stdout_) return session.console.print(text);
    session.console.print_error_stream(text);
    return {};
  });
  const OutputHandlers handlers{[&](std::string_view bytes) { return lines.add(bytes); }, [](uint32_t) {}};
  const Status followed = follow_output(api, {part.job, 0}, stream, handlers);
  const Status ended = lines.end();
  return followed ? ended : followed;
}

void show(const Session& session, Part& part, CancelAllOnInterrupt& cancel) {
  Status errors;
  std::thread error_stream([&] { errors = show_stream(session, part, wire::Stream::stderr_); });
  part.shown = show_stream(session, part, wire::Stream::stdout_);
  // Nothing must go on writing for a reader that left.
  if (!part.shown && part.shown.error().code == ErrorCode::io) cancel.cancel();
  error_stream.join();
  if (part.shown) part.shown = errors;
}

void show_all(const Session& session, std::vector<Part>& parts, CancelAllOnInterrupt& cancel) {
  const StartWatch watch(session, parts);
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < std::min(parts.size(), kMaxShownAtOnce); ++i) {
    threads.emplace_back([&] {
      for (size_t at = next++; at < parts.size(); at = next++) {
        if (parts[at].job != 0) show(session, parts[at], cancel);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Whether all of them succeeded; of those that did not it is said how they ended.
Result<bool> all_succeeded(const Session& session, Api& api, const std::vector<Part>& parts) {
  bool good = true;
  for (const Part& part : parts) {
    if (!part.shown) return tl::unexpected(part.shown.error());
    if (part.job == 0) continue;
    auto report = fetch_task_report(api, {part.job, 0});
    if (!report) return tl::unexpected(report.error());
    if (report->state == "succeeded") continue;
    good = false;
    if (part.withdrawn) continue;
    report->node.clear();
    session.console.say(fmt::format("{}: {} (job {})", part.node, describe_end(*report), part.job));
  }
  return good;
}

}  // namespace

Result<int> exec(const Session& session, const ExecCommand& command) {
  Api api = session.connect();
  const auto nodes = all_nodes(api);
  if (!nodes) return tl::unexpected(nodes.error());
  const auto chosen = choose_nodes(*nodes, command.nodes);
  if (!chosen) return tl::unexpected(chosen.error());
  std::vector<Part> parts = choose_parts(session.console, *chosen);
  CancelAllOnInterrupt cancel(session);
  if (const auto status = hand_in_all(session, api, command, parts, cancel); !status) {
    return tl::unexpected(status.error());
  }
  show_all(session, parts, cancel);
  const auto good = all_succeeded(session, api, parts);
  if (!good) return tl::unexpected(good.error());
  if (cancel.signal() != 0) return kSignalBase + cancel.signal();
  return *good && !parts.empty() && parts.size() == chosen->size() ? kGood : kWorkFailed;
}

}  // namespace bramble::cli
