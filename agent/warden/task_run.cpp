#include "agent/warden/task_run.hpp"

#include <fcntl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "agent/warden/inputs.hpp"
#include "agent/warden/process_table.hpp"
#include "common/base/lease.hpp"
#include "common/posix/error.hpp"
#include "common/posix/log.hpp"
#include "common/posix/process.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::warden {
namespace {

constexpr int64_t kKillAgainMs = 20;  // a process that forks may outrun one pass

int64_t microseconds(const timeval& time) { return int64_t{time.tv_sec} * 1'000'000 + time.tv_usec; }

void append_sentence(std::string& text, const std::string& sentence) {
  if (!text.empty()) text += "; ";
  text += sentence;
}

// A task that went well and whose output could not be kept has failed all the same, and may be tried elsewhere.
// EX_IOERR of sysexits.h.
constexpr int kOutputLostCode = 74;

std::string trouble_text(const Capture& capture, const char* stream) {
  return std::string(stream) + " was cut off after " + std::to_string(capture.kept_bytes()) + " bytes and " +
         std::to_string(capture.dropped_bytes()) + " were lost: " + capture.trouble();
}

}  // namespace

TaskRun::TaskRun(const Layout& layout, wire::WardenStart start, const TaskSetting& setting)
    : start_(std::move(start)),
      setting_(setting),
      state_(layout.root()),
      directory_(layout.attempt(start_.task)),
      env_(task_environment(start_.spec.env, directory_ + "/work", setting.programs)),
      out_(directory_ + "/stdout", start_.spec.stdout_cap_bytes),
      err_(directory_ + "/stderr", start_.spec.stderr_cap_bytes),
      started_(posix::now()),
      lease_end_(lease_end({start_.heard_ms}, start_.spec.lease_ms)) {}

bool TaskRun::begin(std::string_view record, Spawner& spawner) {
  const auto created = create_attempt(directory_, record, setting_.run_as);
  if (created) work_ = *created;
  Status begun = created ? lay_files() : tl::unexpected(created.error());
  // The aggregator may count it as dead already: it must not begin. Large files may have taken their time.
  if (created && is_over(posix::now().mono)) {
    ended_as_ = wire::Outcome::lease_ended;
    return false;
  }
  if (begun) begun = launch(spawner);
  if (!begun && !start_failure_) start_failure_ = FailureText{126, begun.error().message};
  alive_ = begun && !has_nothing_to_do();
  return alive_;
}

Status TaskRun::lay_files() { return lay_inputs(start_.files, directory_ + "/work", setting_.agent, setting_.run_as); }

Status TaskRun::launch(Spawner& spawner) {
  static const posix::UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  posix::UniqueFd input;
  if (!start_.stdin_path.empty()) {
    auto opened = open_input(start_.stdin_path, setting_.agent);
    if (!opened) return tl::unexpected(opened.error());
    input = std::move(*opened);
  }
  if (Status entered = enter_sandbox(directory_ + "/work"); !entered) return entered;
  if (Status set = prepare_cgroup(); !set) return set;
  if (Status opened = out_.open(); !opened) return opened;
  if (Status opened = err_.open(); !opened) return opened;
  SpawnRequest request{sandboxed_ ? &sandbox_argv_ : &start_.spec.argv,
                       &env_,
                       directory_ + "/work",
                       input ? input.get() : nothing.get(),
                       out_.write_end(),
                       err_.write_end(),
                       setting_.run_as,
                       setting_.cgroup};
  const auto pid = spawner.spawn(request);
  if (!pid) return tl::unexpected(pid.error());
  pid_ = *pid;
  return {};
}

Status TaskRun::prepare_cgroup() {
  return setting_.cgroup != nullptr ? setting_.cgroup->prepare(start_.spec) : Status{};
}

// Where it asks for none there is nothing to do.
Status TaskRun::enter_sandbox(const std::string& work) {
  sandboxed_ = setting_.sandbox != nullptr && setting_.sandbox->wanted_by(start_.spec);
  if (!sandboxed_) return {};
  const Sandbox& sandbox = *setting_.sandbox;
  if (!sandbox.why_not.empty()) return fail("this node cannot isolate tasks: " + sandbox.why_not);
  start_failure_ = missing_command(start_.spec.argv, env_, work);
  if (start_failure_) return fail(start_failure_->text);
  sandbox_argv_ = sandbox_argv(sandbox.bwrap, state_, work, start_.spec);
  return {};
}

void TaskRun::end_as(wire::Outcome outcome, Now now) {
  if (ended_as_ || main_status_) return;
  ended_as_ = outcome;
  const bool at_once =
      outcome == wire::Outcome::memory || outcome == wire::Outcome::lease_ended || start_.spec.kill_grace_ms <= 0;
  if (at_once) return kill_all(now);
  // bwrap itself would die of it, and everything inside at once with it: the command in it is asked.
  const size_t asked = signal_descendants(SIGTERM, sandboxed_ ? pid_ : 0);
  if (asked == 0) return kill_all(now);
  kill_at_ = now.mono + start_.spec.kill_grace_ms;
}

void TaskRun::prolong_lease(MonoTime heard) {
  if (!lease_ended_) lease_end_ = std::max(lease_end_, lease_end(heard, start_.spec.lease_ms));
}

// Whatever else it is being ended for, and however long a grace that allows: now it dies.
void TaskRun::end_lease(Now now) {
  lease_ended_ = true;
  if (!ended_as_ && !main_status_) ended_as_ = wire::Outcome::lease_ended;
  kill_all(now);
}

void TaskRun::kill_all(Now now) {
  if (setting_.cgroup != nullptr) setting_.cgroup->kill();
  signal_descendants(SIGKILL);
  kill_at_ = now.mono + kKillAgainMs;
}

void TaskRun::add_usage(const rusage& usage) {
  cpu_us_ += microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
  peak_memory_bytes_ = std::max(peak_memory_bytes_, static_cast<uint64_t>(usage.ru_maxrss) * 1024);
}

void TaskRun::reap(Now now) {
  while (true) {
    int status = 0;
    rusage usage{};
    const pid_t pid = ::wait4(-1, &status, WNOHANG, &usage);
    if (pid < 0 && errno == EINTR) continue;
    if (pid < 0) alive_ = false;  // ECHILD: nothing that came of the task lives
    if (pid <= 0) break;
    add_usage(usage);
    if (pid != pid_) continue;
    main_status_ = status;
    duration_ms_ = now.mono - started_.mono;
    kill_at_.reset();
  }
  // What the main process leaves behind has no reason to live on.
  if (alive_ && main_status_ && !kill_at_) kill_all(now);
}

void TaskRun::take_output(bool out_ready, bool err_ready) {
  if (out_ready) out_.take_some();
  if (err_ready) err_.take_some();
}

void TaskRun::on_time(Now now) {
  const int64_t limit_ms = start_.spec.time_limit_ms;
  if (limit_ms > 0 && now.mono >= started_.mono + limit_ms) end_as(wire::Outcome::timed_out, now);
  if (alive_ && !lease_ended_ && is_over(now.mono)) return end_lease(now);
  if (kill_at_ && now.mono >= *kill_at_) kill_all(now);
}

std::optional<MonoTime> TaskRun::next_deadline() const {
  std::optional<MonoTime> next = kill_at_;
  if (!next && start_.spec.time_limit_ms > 0 && !ended_as_) next = started_.mono + start_.spec.time_limit_ms;
  if (has_lease() && !lease_ended_) next = std::min(next.value_or(lease_end_), lease_end_);
  return next;
}

wire::WardenStarted TaskRun::started() const {
  wire::WardenStarted started;
  started.task = start_.task;
  started.pid = pid_;
  started.started_wall_ms = started_.wall.ms;
  started.cpus = start_.spec.cpus;
  started.memory_bytes = start_.spec.memory_bytes;
  started.resources = start_.spec.resources;
  started.lease_ms = start_.spec.lease_ms;
  return started;
}

bool TaskRun::has_grown() const { return out_.kept_bytes() > told_out_bytes_ || err_.kept_bytes() > told_err_bytes_; }

std::optional<wire::WardenOutput> TaskRun::grown_output() {
  if (!has_grown()) return std::nullopt;
  told_out_bytes_ = out_.kept_bytes();
  told_err_bytes_ = err_.kept_bytes();
  return wire::WardenOutput{start_.task, told_out_bytes_, told_err_bytes_};
}

// What was waited for here counts in full; the living tell of themselves and of those that they have waited for.
wire::WardenUsage TaskRun::usage() const {
  return {start_.task, static_cast<uint64_t>(cpu_us_) + cpu_us_of_descendants()};
}

std::string TaskRun::ending_text() const {
  switch (*ended_as_) {
    case wire::Outcome::timed_out:
      return "ended at its time limit of " + std::to_string(start_.spec.time_limit_ms) + " ms";
    case wire::Outcome::memory:
      return "its processes together used more than its memory limit of " +
             std::to_string(start_.spec.memory_bytes >> 20) + " MiB";
    case wire::Outcome::lease_ended:
      return "killed at the end of its lease: the aggregator was not heard of for " +
             std::to_string(start_.spec.lease_ms) + " ms";
    case wire::Outcome::warden_lost:
      return "the node's warden was stopped and ended its tasks";
    default:
      return {};
  }
}

bool TaskRun::set_start_failure(wire::Finished& result, const SpawnFailure& failure) const {
  if (!start_failure_ && failure.step == SpawnFailure::none) return false;
  const FailureText why =
      start_failure_ ? *start_failure_ : describe(failure, sandboxed_ ? sandbox_argv_ : start_.spec.argv, env_);
  result.outcome = wire::Outcome::start_failed;
  result.code = why.code;
  result.text = why.text;
  const std::string& command = start_.spec.argv.front();
  const bool is_input =
      std::any_of(start_.files.begin(), start_.files.end(), [&](const auto& file) { return file.name == command; });
  if (why.code == 127 && is_input) result.text += " (its input file of that name is run by ./" + command + ")";
  return true;
}

void TaskRun::set_outcome(wire::Finished& result, const SpawnFailure& failure) const {
  if (set_start_failure(result, failure)) return;
  const posix::ExitStatus outside = posix::exit_status_of(main_status_.value_or(0));
  const posix::ExitStatus status = sandboxed_ ? end_inside(outside) : outside;
  result.code = status.code;
  result.signal = status.signal;
  result.outcome = status.signal != 0 ? wire::Outcome::signaled : wire::Outcome::exited;
  if (!ended_as_) return note_interventions(result);
  result.outcome = *ended_as_;
  result.text = ending_text();
}

// What the kernel did, where the task did not get over it.
void TaskRun::note_interventions(wire::Finished& result) const {
  if (setting_.cgroup == nullptr || (result.code == 0 && result.signal == 0)) return;
  const Interventions interventions = setting_.cgroup->interventions();
  if (interventions.over_memory) {
    result.outcome = wire::Outcome::memory;
    result.text = "over its memory of " + std::to_string(start_.spec.memory_bytes >> 20) + " MiB: killed by the kernel";
  } else if (interventions.node_out_of_memory) {
    result.text = "killed by the kernel, for the node had no memory left";
  } else if (interventions.reached_max_processes) {
    result.text =
        "it was at its limit of " + std::to_string(setting_.cgroup->max_processes()) + " processes and threads";
  }
}

void TaskRun::add_output(wire::Finished& result) const {
  result.out.kept_bytes = out_.kept_bytes();
  result.out.dropped_bytes = out_.dropped_bytes();
  result.err.kept_bytes = err_.kept_bytes();
  result.err.dropped_bytes = err_.dropped_bytes();
  if (!out_.trouble().empty()) append_sentence(result.text, trouble_text(out_, "stdout"));
  if (!err_.trouble().empty()) append_sentence(result.text, trouble_text(err_, "stderr"));
  const bool lost_some = !out_.trouble().empty() || !err_.trouble().empty();
  const bool went_well = result.outcome == wire::Outcome::exited && result.code == 0;
  if (lost_some && went_well) result.code = kOutputLostCode;
}

wire::WardenExited TaskRun::finish(const SpawnFailure& failure) {
  out_.take_rest();
  err_.take_rest();
  wire::WardenExited exited{start_.task, {}};
  wire::Finished& result = exited.result;
  set_outcome(result, failure);
  result.started_wall_ms = started_.wall.ms;
  result.duration_ms = duration_ms_;
  result.cpu_ms = (cpu_us_ + 500) / 1000;
  result.peak_memory_bytes = peak_memory_bytes_;
  add_output(result);
  return exited;
}

Status TaskRun::write_record(std::string_view text) const {
  if (!work_) return {};
  if (const Status cleared = clear_work(directory_, *work_); !cleared) posix::log_warning(cleared.error().message);
  return write_exit_record(directory_, text);
}

}  // namespace bramble::warden
