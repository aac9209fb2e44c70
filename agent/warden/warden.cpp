#include "agent/warden/warden.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "agent/warden/process_table.hpp"
#include "common/posix/error.hpp"
#include "common/posix/files.hpp"
#include "common/posix/process.hpp"

namespace bramble::warden {
namespace {

constexpr size_t kMaxWaitingForKeeperBytes = 8 << 20;  // a start or two of the largest size

std::string how_it_ended(int wait_status) {
  const posix::ExitStatus status = posix::exit_status_of(wait_status);
  return status.signal != 0 ? "by signal " + std::to_string(status.signal)
                            : "with status " + std::to_string(status.code);
}

}  // namespace

Warden::Warden(WardenOptions options)
    : options_(std::move(options)), layout_(options_.state), notifier_(loop_, [this] { return status_line(); }) {
  if (!options_.run_as) note_ = "tasks run as the warden's own user";
}

Status Warden::set_up() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // the tasks of a keeper that is killed come here
  if (const Status made = make_layout(layout_, options_.group); !made) return made;
  if (const Status locked = take_state_lock(); !locked) return locked;
  if (const Status waited = wait_for_old_keepers(); !waited) return waited;
  if (const Status discarded = discard_spares(layout_); !discarded) return discarded;
  if (const Status taken = take_up_old_attempts(); !taken) return taken;
  if (const Status found = find_out_means(); !found) return found;
  for (uint32_t number = 0; number < options_.slots; ++number) {
    slots_.push_back(std::make_unique<Slot>());
    slots_.back()->number = number;
    if (const Status started = start_slot(*slots_.back(), number == 0); !started) return started;
  }
  loop_.on_signals({SIGCHLD, SIGTERM, SIGINT}, [this](int signal) { on_signal(signal); });
  on_children();  // those whose end nobody was told of
  return listen();
}

Status Warden::run() {
  notifier_.ready();
  loop_.run();
  for (const auto& slot : slots_) cgroups_.remove(slot->number);
  return failure_;
}

// What this machine offers to hold tasks to their limits: told once, and to every agent.
Status Warden::find_out_means() {
  // While this process is alone in its group: of a sandbox something may outlive its command by a moment.
  cgroups_ = Cgroups::take_over(options_.slots);
  sandbox_ = try_sandbox(options_.bwrap, layout_.root(), options_.run_as ? &*options_.run_as : nullptr);
  sandbox_.always = options_.require_sandbox;
  if (sandbox_.always && !sandbox_.why_not.empty()) {
    return fail("--require-sandbox: tasks cannot be isolated here: " + sandbox_.why_not);
  }
  const std::string sandbox = sandbox_.why_not.empty() ? "works" : "does not work: " + sandbox_.why_not;
  const std::string why = cgroups_.usable() ? "" : " (" + cgroups_.why_not() + ")";
  posix::log_info("limits of tasks: " + limits_text(cgroups_.containment()) + why + "; sandbox: " + sandbox);
  return {};
}

wire::Containment Warden::containment() const {
  wire::Containment containment = cgroups_.containment();
  containment.sandbox = sandbox_.why_not.empty();
  containment.no_sandbox = sandbox_.why_not;
  containment.files = true;
  return containment;
}

Status Warden::take_state_lock() {
  state_lock_.reset(::open(layout_.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!state_lock_) return posix::system_failure("cannot open " + layout_.lock(), errno);
  if (::flock(state_lock_.get(), LOCK_EX | LOCK_NB) == 0) return {};
  return fail(ErrorCode::conflict, "another bramble-warden works in " + layout_.root());
}

// A keeper holds its lock until everything that came of its task is dead.
Status Warden::wait_for_old_keepers() {
  const auto names = posix::list_directory(layout_.slots());
  if (!names) return tl::unexpected(names.error());
  for (const std::string& name : *names) {
    const posix::UniqueFd fd(::open((layout_.slots() + "/" + name).c_str(), O_RDWR | O_CLOEXEC));
    if (!fd) return posix::system_failure("cannot open the lock of slot " + name, errno);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) continue;
    posix::log_info("waiting until the last warden's task is dead", {{"slot", name}});
    while (::flock(fd.get(), LOCK_EX) != 0) {
      if (errno != EINTR) return posix::system_failure("cannot lock slot " + name, errno);
    }
  }
  return {};
}

Status Warden::take_up_old_attempts() {
  const auto found = find_attempts(layout_);
  if (!found) return tl::unexpected(found.error());
  for (const wire::WardenTask& task : found->exited) exited_[task];
  for (const wire::WardenTask& task : found->lost) {
    posix::log_warning("lost with the last warden", {{"attempt", directory_name(task)}});
    const Status buried = bury_attempt(layout_, task, "the node's warden died and its tasks were killed");
    if (!buried) posix::log_error(buried.error().message);
    exited_[task];
  }
  return {};
}

Status Warden::start_slot(Slot& slot, bool empties_trash) {
  const RunAs* run_as = options_.run_as ? &*options_.run_as : nullptr;
  const RunAs* agent = options_.agent && ::geteuid() == 0 ? &*options_.agent : nullptr;
  const std::string cgroup = cgroups_.usable() ? cgroups_.task_directory(slot.number) : std::string();
  auto keeper = start_keeper(
      {layout_, slot.number, run_as, agent, cgroup, cgroups_.controllers(), sandbox_, options_.kernels, empties_trash});
  if (!keeper) return tl::unexpected(keeper.error());
  slot.keeper = keeper->pid;
  slot.channel = std::make_unique<Channel>(std::move(keeper->channel), kMaxWaitingForKeeperBytes);
  slot.watches_output = false;
  loop_.add_fd(slot.channel->fd(), EPOLLIN, [this, &slot](uint32_t events) { on_keeper(slot, events); });
  return {};
}

void Warden::close_slot(Slot& slot) {
  if (!slot.channel) return;
  loop_.remove_fd(slot.channel->fd());
  slot.channel.reset();
}

void Warden::on_keeper(Slot& slot, uint32_t events) {
  if ((events & EPOLLOUT) != 0) flush_soon();
  if ((events & ~EPOLLOUT) == 0) return;
  const auto frames = slot.channel->receive();
  // Its end is dealt with when the kernel tells of it, with the task's processes: see on_children().
  if (!frames) return close_slot(slot);
  for (const std::string& frame : *frames) on_report(slot, frame);
}

void Warden::on_report(Slot& slot, const std::string& frame) {
  auto report = wire::decode_warden_report(frame);
  if (!report || !slot.running) return posix::log_error("a keeper's report makes no sense", {{"text", frame}});
  if (auto* started = std::get_if<wire::WardenStarted>(&*report)) slot.running->started = std::move(*started);
  if (auto* output = std::get_if<wire::WardenOutput>(&*report)) slot.running->output = std::move(*output);
  if (const auto* exited = std::get_if<wire::WardenExited>(&*report)) {
    const bool may_lack_directory = exited->result.outcome == wire::Outcome::start_failed;
    exited_[exited->task] = may_lack_directory ? frame : std::string();
    slot.running.reset();
  }
  tell_agent_text(frame);
  if (stopping_) stop_if_idle();
}

void Warden::on_signal(int signal) {
  if (signal == SIGCHLD) {
    on_children();
  } else if (!stopping_) {
    begin_stop();
  }
}

// Keepers end only when they are killed. Whatever else is a child of this process was a killed keeper's.
void Warden::on_children() {
  int status = 0;
  pid_t pid = 0;
  while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
    const auto slot =
        std::find_if(slots_.begin(), slots_.end(), [pid](const auto& each) { return each->keeper == pid; });
    if (slot == slots_.end()) continue;
    posix::log_error("a keeper ended " + how_it_ended(status) + "; its task is killed",
                     {{"slot", std::to_string((*slot)->number)}});
    (*slot)->keeper = 0;
    cgroups_.kill((*slot)->number);
  }
  std::vector<pid_t> keepers;
  for (const auto& slot : slots_) {
    if (slot->keeper != 0) keepers.push_back(slot->keeper);
  }
  if (keepers.size() == slots_.size()) return;
  if (kill_orphans(keepers) > 0) {
    loop_.call_after(20, [this] { on_children(); });  // also for those that cannot be killed just now
    return;
  }
  for (const auto& slot : slots_) {
    if (slot->keeper == 0) replace_keeper(*slot);
  }
}

void Warden::replace_keeper(Slot& slot) {
  // What it said last counts: an attempt may have ended in good order before.
  while (slot.channel) {
    const auto frames = slot.channel->receive();
    if (!frames || frames->empty()) break;
    for (const std::string& frame : *frames) on_report(slot, frame);
  }
  close_slot(slot);
  if (slot.running) {
    const wire::WardenTask task = slot.running->started.task;
    const Status buried = bury_attempt(layout_, task, "the keeper of this task was killed, and the task with it");
    if (!buried) posix::log_error(buried.error().message);
    exited_[task];
    slot.running.reset();
    tell_agent(exit_record_of(task, {}));
  }
  if (stopping_) return stop_if_idle();
  if (const Status started = start_slot(slot, true); !started) {
    failure_ = started;
    loop_.stop();
  }
}

void Warden::begin_stop() {
  stopping_ = true;
  notifier_.stopping();
  posix::log_info("stopping: ending all tasks");
  for (const auto& slot : slots_) {
    if (!slot->running || !slot->channel) continue;
    const wire::WardenKill kill{slot->running->started.task, wire::Outcome::warden_lost};
    static_cast<void>(slot->channel->queue(encode(wire::WardenRequest(kill))));
  }
  flush_soon();
  stop_if_idle();
}

void Warden::stop_if_idle() {
  const bool busy =
      std::any_of(slots_.begin(), slots_.end(), [](const auto& slot) { return slot->running.has_value(); });
  if (busy) return;
  flush_all();
  loop_.stop();
}

std::string Warden::status_line() const {
  const auto busy = std::count_if(slots_.begin(), slots_.end(), [](const auto& slot) { return slot->running; });
  return std::to_string(busy) + " of " + std::to_string(slots_.size()) + " slots busy, " +
         (agent_ ? "the agent is connected" : "no agent") + (stopping_ ? ", stopping" : "");
}

Warden::Slot* Warden::idle_slot() {
  for (const auto& slot : slots_) {
    if (slot->channel && slot->keeper != 0 && !slot->running) return slot.get();
  }
  return nullptr;
}

Warden::Slot* Warden::slot_of(const wire::WardenTask& task) {
  for (const auto& slot : slots_) {
    if (slot->running && slot->running->started.task == task) return slot.get();
  }
  return nullptr;
}

}  // namespace bramble::warden
