#include "agent/warden/keeper.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <memory>
#include <optional>

#include "agent/warden/call_run.hpp"
#include "agent/warden/channel.hpp"
#include "agent/warden/kernel.hpp"
#include "agent/warden/process_table.hpp"
#include "agent/warden/task_run.hpp"
#include "common/posix/error.hpp"
#include "common/posix/files.hpp"
#include "common/posix/log.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::warden {
namespace {

constexpr size_t kMaxWaitingBytes = 8 << 20;
constexpr int64_t kOutputReportMs = 100;
// "Started" is held back so long: most short tasks have ended by then, and both reports travel in one write.
constexpr int64_t kHoldStartedMs = 5;
constexpr int64_t kRecordRetryMs = 1000;
// ppoll's clock stands still while the machine is suspended, the lease's does not.
constexpr int64_t kLeaseLookMs = 1000;

volatile sig_atomic_t child_changed = 0;

void on_sigchld(int) { child_changed = 1; }

// All signals stay blocked but for SIGCHLD while it waits: a Ctrl-C in the warden's terminal is the warden's to handle.
void set_up_signals() {
  struct sigaction action {};
  action.sa_handler = on_sigchld;
  action.sa_flags = SA_NOCLDSTOP;
  ::sigaction(SIGCHLD, &action, nullptr);
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
}

// What was forked along: the warden's socket and the other keepers' channels. Were they open here, nobody would see
// the warden die.
void close_all_but(int kept) {
  const auto names = posix::list_directory("/proc/self/fd");
  if (!names) return;
  for (const std::string& name : *names) {
    const int fd = std::atoi(name.c_str());
    if (fd > STDERR_FILENO && fd != kept) ::close(fd);
  }
}

// -1: for ever.
int ms_until(std::optional<MonoTime> time) {
  if (!time) return -1;
  return static_cast<int>(std::clamp<int64_t>(*time - posix::mono_now(), 0, 3'600'000));
}

class Keeper {
 public:
  Keeper(KeeperOptions options, posix::UniqueFd channel, std::optional<TaskCgroup> cgroup)
      : options_(std::move(options)),
        channel_(std::move(channel), kMaxWaitingBytes),
        cgroup_(std::move(cgroup)),
        kernel_(options_.layout.kernel(options_.slot), options_.kernels) {}
  [[noreturn]] void run();

 private:
  void wait();
  int timeout_ms() const;
  void read_channel();
  void handle(const std::string& frame);
  void prolong(const wire::WardenLease& lease);
  void start(wire::WardenStart start, const std::string& frame);
  std::unique_ptr<TaskRun> make_run(wire::WardenStart start);
  void look_after_kernel();
  TaskCgroup* cgroup() { return cgroup_ ? &*cgroup_ : nullptr; }
  void look_after_task();
  void report_progress(Now now);
  void report_started();
  void report_usage();
  void try_to_finish();
  void report(const wire::WardenReport& report);
  [[noreturn]] void abandon();

  KeeperOptions options_;
  Channel channel_;
  std::optional<TaskCgroup> cgroup_;
  Spawner spawner_;
  Kernel kernel_;
  std::unique_ptr<TaskRun> task_;
  std::optional<wire::WardenExited> exited_;  // its record is not on disk yet
  MonoTime started_at_;
  bool started_reported_ = false;
  MonoTime next_output_at_;
  MonoTime record_retry_at_;
  posix::LogOnce record_trouble_;
  bool usage_asked_ = false;
  bool channel_ready_ = false;
  bool out_ready_ = false;
  bool err_ready_ = false;
  bool in_ready_ = false;
};

void Keeper::run() {
  while (true) {
    if (!channel_.flush()) abandon();
    wait();
    if (channel_ready_) read_channel();
    if (task_) {
      look_after_task();
    } else {
      look_after_kernel();
    }
    if (usage_asked_) report_usage();
  }
}

int Keeper::timeout_ms() const {
  if (!task_) return ms_until(kernel_.rest_end());
  std::optional<MonoTime> next = task_->next_deadline();
  const auto consider = [&next](MonoTime time) { next = next ? std::min(*next, time) : time; };
  if (exited_) consider(record_retry_at_);
  if (!started_reported_) consider(started_at_ + kHoldStartedMs);
  if (task_->has_grown()) consider(next_output_at_);
  if (task_->has_lease() && !exited_) consider(posix::mono_now() + kLeaseLookMs);
  return ms_until(next);
}

void Keeper::wait() {
  const auto output_of = [this](int fd) { return pollfd{exited_ ? -1 : fd, POLLIN, 0}; };
  pollfd fds[4] = {{channel_.fd(), static_cast<short>(POLLIN | (channel_.waiting() ? POLLOUT : 0)), 0},
                   output_of(task_ ? task_->out_fd() : -1),
                   output_of(task_ ? task_->err_fd() : -1),
                   {task_ && !exited_ ? task_->in_fd() : -1, POLLOUT, 0}};
  const int timeout = timeout_ms();
  const timespec limit{timeout / 1000, (timeout % 1000) * 1'000'000L};
  sigset_t but_children;
  ::sigfillset(&but_children);
  ::sigdelset(&but_children, SIGCHLD);
  const int ready = ::ppoll(fds, 4, timeout < 0 ? nullptr : &limit, &but_children);
  channel_ready_ = ready > 0 && (fds[0].revents & ~POLLOUT) != 0;
  out_ready_ = ready > 0 && (fds[1].revents & POLLIN) != 0;
  err_ready_ = ready > 0 && (fds[2].revents & POLLIN) != 0;
  in_ready_ = ready > 0 && (fds[3].revents & POLLOUT) != 0;
}

void Keeper::read_channel() {
  const auto frames = channel_.receive();
  if (!frames) abandon();
  for (const std::string& frame : *frames) handle(frame);
}

void Keeper::handle(const std::string& frame) {
  auto request = wire::decode_warden_request(frame);
  if (!request) return posix::log_error("keeper: " + request.error().message);
  if (auto* start_request = std::get_if<wire::WardenStart>(&*request)) return start(std::move(*start_request), frame);
  if (const auto* lease = std::get_if<wire::WardenLease>(&*request)) return prolong(*lease);
  if (std::holds_alternative<wire::WardenAskUsage>(*request)) usage_asked_ = true;
  const auto* kill = std::get_if<wire::WardenKill>(&*request);
  // A kill that crossed with the task's end is too late, and no error.
  if (kill != nullptr && task_ && kill->task == task_->task()) task_->end_as(kill->outcome, posix::now());
}

// What this process slept through has ended the lease: looked at before the word that came meanwhile.
void Keeper::prolong(const wire::WardenLease& lease) {
  if (!task_ || exited_) return;
  task_->on_time(posix::now());
  task_->prolong_lease({lease.heard_ms});
}

void Keeper::start(wire::WardenStart start, const std::string& frame) {
  look_after_kernel();
  task_ = make_run(std::move(start));
  task_->begin(frame, spawner_);
  started_at_ = posix::mono_now();
  // Where the failure is known already nothing ever started.
  started_reported_ = !task_->alive() || spawner_.failure().step != SpawnFailure::none;
  next_output_at_ = started_at_;
}

// A task of its own has the slot's memory and its control group to itself.
std::unique_ptr<TaskRun> Keeper::make_run(wire::WardenStart start) {
  const TaskSetting setting{options_.run_as, options_.agent, cgroup(), &options_.sandbox, options_.kernels};
  if (start.spec.calls) return std::make_unique<CallRun>(options_.layout, std::move(start), setting, kernel_);
  kernel_.end(cgroup());
  return std::make_unique<TaskRun>(options_.layout, std::move(start), setting);
}

// One that rests: it may have died, or rested long enough.
void Keeper::look_after_kernel() {
  child_changed = 0;
  if (!kernel_.runs()) return;
  siginfo_t info{};
  const bool died =
      ::waitid(P_PID, static_cast<id_t>(kernel_.pid()), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
  const auto rest_end = kernel_.rest_end();
  if (died || (rest_end && posix::mono_now() >= *rest_end)) kernel_.end(cgroup());
}

void Keeper::look_after_task() {
  const Now now = posix::now();
  if (!exited_) {
    if (in_ready_) task_->give_input();
    task_->take_output(out_ready_, err_ready_);
    if (child_changed != 0) {
      child_changed = 0;
      task_->reap(now);
    }
    task_->on_time(now);
  }
  if (task_->alive()) return report_progress(now);
  if (!exited_) exited_ = task_->finish(spawner_.failure());
  if (now.mono >= record_retry_at_) try_to_finish();
}

void Keeper::report_started() {
  if (started_reported_) return;
  started_reported_ = true;
  report(task_->started());
}

// Of one that has ended its exit record tells. Once for all that was asked meanwhile: of a task of thousands of
// processes the answer takes a slow machine longer than the time between two questions, and what else is to be done
// shall not wait for it.
void Keeper::report_usage() {
  usage_asked_ = false;
  if (!task_ || !task_->alive()) return;
  report_started();
  report(task_->usage());
}

void Keeper::report_progress(Now now) {
  if (now.mono >= started_at_ + kHoldStartedMs) report_started();
  // A warden that does not read gets no more of what it can do without.
  if (now.mono < next_output_at_ || channel_.waiting()) return;
  if (const auto output = task_->grown_output()) {
    report_started();
    report(*output);
    next_output_at_ = now.mono + kOutputReportMs;
  }
}

// The slot stays taken until the record is on disk: what is reported must survive the warden.
void Keeper::try_to_finish() {
  const Status written = task_->write_record(encode_exit_record(*exited_));
  if (!written) {
    record_trouble_.say(posix::LogLevel::error, "an ended task keeps its slot until its exit record can be written: " +
                                                    written.error().message);
    record_retry_at_ = posix::mono_now() + kRecordRetryMs;
    return;
  }
  if (record_trouble_.clear()) posix::log_info("the exit record could be written after all");
  report_started();
  report(*exited_);
  record_retry_at_ = {};
  exited_.reset();
  task_.reset();
}

void Keeper::report(const wire::WardenReport& report) {
  if (!channel_.queue(encode(report))) abandon();
}

// The warden is gone, and with it the promise that somebody looks after the task. The next warden finds the start
// record without an exit record, once this process has let its lock go, and says so.
void Keeper::abandon() {
  if (task_) posix::log_warning("the warden is gone: killing its task", {{"attempt", directory_name(task_->task())}});
  while (true) {
    if (cgroup_) cgroup_->kill();
    signal_descendants(SIGKILL);
    int status = 0;
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
    }
    if (pid < 0 && errno == ECHILD) ::_exit(0);
    const timespec pause{0, 2'000'000};
    ::nanosleep(&pause, nullptr);
  }
}

Status hold_slot_lock(const KeeperOptions& options) {
  const std::string path = options.layout.slot_lock(options.slot);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);  // held until this process ends
  if (fd < 0) return posix::system_failure("cannot open " + path, errno);
  while (::flock(fd, LOCK_EX) != 0) {
    if (errno != EINTR) return posix::system_failure("cannot lock " + path, errno);
  }
  return {};
}

std::optional<TaskCgroup> open_cgroup(const KeeperOptions& options) {
  if (options.cgroup.empty()) return std::nullopt;
  auto opened = TaskCgroup::open(options.cgroup, options.controllers);
  if (opened) return std::move(*opened);
  posix::log_error(opened.error().message);
  ::_exit(1);
}

[[noreturn]] void run_keeper(const KeeperOptions& options, posix::UniqueFd channel) {
  ::prctl(PR_SET_NAME, "bramble-keeper");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  set_up_signals();
  close_all_but(channel.get());
  if (const Status held = hold_slot_lock(options); !held) {
    posix::log_error(held.error().message);
    ::_exit(1);
  }
  // Inputs are opened with the agent's rights, and a root keeper's groups would be more than those.
  if (options.agent != nullptr && ::setgroups(options.agent->groups.size(), options.agent->groups.data()) != 0)
    ::_exit(1);
  std::optional<TaskCgroup> cgroup = open_cgroup(options);
  if (::write(channel.get(), "", 1) != 1) ::_exit(0);  // ready
  if (options.empties_trash) empty_trash(options.layout);
  Keeper(options, std::move(channel), std::move(cgroup)).run();
}

}  // namespace

Result<KeeperHandle> start_keeper(const KeeperOptions& options) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return posix::system_failure("cannot make a socket pair", errno);
  }
  posix::UniqueFd ours(ends[0]);
  posix::UniqueFd theirs(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return posix::system_failure("cannot start a keeper", errno);
  if (pid == 0) run_keeper(options, std::move(theirs));
  theirs.reset();
  char ready = 0;
  ssize_t got = 0;
  do {
    got = ::read(ours.get(), &ready, 1);
  } while (got < 0 && errno == EINTR);
  if (got != 1) return fail(ErrorCode::unavailable, "a keeper ended before it was ready");
  return KeeperHandle{pid, std::move(ours)};
}

}  // namespace bramble::warden
