#include "aggregator/cli/local_parts.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "common/posix/error.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::cli {
namespace {

constexpr int64_t kFirstBackOffMs = 100;
constexpr int64_t kLongestBackOffMs = 5'000;
constexpr int64_t kGoodLifeMs = 10'000;  // who lived that long is started again without delay
constexpr int64_t kRefusedBackOffMs = 2'000;
constexpr int kWrongConfig = 2;  // the daemons' status
constexpr int64_t kTailBytes = 2'048;
constexpr int kOrphanGraceMs = 2'000;
constexpr int kOrphanStepMs = 20;

std::string describe(posix::ExitStatus status) {
  return status.signal != 0 ? fmt::format("was killed by signal {}", status.signal)
                            : fmt::format("ended with exit status {}", status.code);
}

// The kernel keeps a list of children for each thread.
std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  std::ifstream list(fmt::format("/proc/{}/task/{}/children", parent, parent));
  for (pid_t child = 0; list >> child;) children.push_back(child);
  return children;
}

std::string program_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/comm", pid));
  std::string name;
  std::getline(file, name);
  return name;
}

void signal_children(int signal) {
  for (const pid_t child : children_of(::getpid())) ::kill(child, signal);
}

bool wait_for_children(int limit_ms) {
  for (int waited_ms = 0;; waited_ms += kOrphanStepMs) {
    pid_t ended = 0;
    while ((ended = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (ended < 0 && errno == ECHILD) return true;
    if (waited_ms >= limit_ms) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(kOrphanStepMs));
  }
}

}  // namespace

Status LocalPart::start() {
  const posix::UniqueFd log(::open(plan_.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log) return posix::system_failure("cannot write " + plan_.log, errno);
  posix::SpawnOptions options;
  options.argv = plan_.argv;
  options.stdout_fd = log.get();
  options.stderr_fd = log.get();
  options.die_with_parent = true;
  options.death_signal = SIGTERM;  // so that the aggregator ends its broker, and the warden its tasks
  options.own_group = true;
  auto process = posix::Process::spawn(options);
  if (!process) return tl::unexpected(process.error());
  process_ = std::move(*process);
  ending_ = false;
  started_ = posix::mono_now();
  process_->on_exit(loop_, [this](posix::ExitStatus status) { died(status); });
  on_change_();
  return {};
}

void LocalPart::died(posix::ExitStatus status) {
  const std::string what = fmt::format("{} (pid {}) {}", plan_.name, pid(), describe(status));
  process_.reset();
  on_change_();
  if (ending_) return;
  ++deaths_;
  const bool lived_well = posix::mono_now() - started_ >= kGoodLifeMs;
  back_off_ms_ = lived_well || back_off_ms_ == 0 ? kFirstBackOffMs : std::min(back_off_ms_ * 2, kLongestBackOffMs);
  const bool by_itself =
      status.signal == 0 && (status.code == kWrongConfig || (plan_.ends_for_good && status.code != 0));
  refused_ = deaths_ == 1 && !lived_well && by_itself;
  if (refused_) back_off_ms_ = kRefusedBackOffMs;  // time to give up, for a cluster that is being started
  loop_.call_after(back_off_ms_, [this, what] { start_again(what); });
}

void LocalPart::start_again(const std::string& what_happened) {
  if (ending_ || process_) return;
  if (const auto status = start(); !status) {
    console_.say(what_happened + "; it cannot be started again: " + status.error().message);
    return;
  }
  console_.say(fmt::format("{}; started again as pid {}", what_happened, pid()));
}

void LocalPart::ask_to_end() {
  ending_ = true;
  if (process_) process_->kill(SIGTERM);
}

void LocalPart::kill() {
  ending_ = true;
  if (process_) process_->kill(SIGKILL);
}

std::string log_tail(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return "";
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - kTailBytes));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos) return "";
  const size_t begin = text.find_last_of('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1,
                     end - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

void reap_orphans(const std::function<bool(pid_t)>& is_part) {
  while (true) {
    siginfo_t ended{};
    if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) return;
    if (is_part(ended.si_pid)) return;  // its own watcher takes it; the others' turn comes then
    ::waitpid(ended.si_pid, nullptr, WNOHANG);
  }
}

void end_orphans() {
  signal_children(SIGTERM);
  if (wait_for_children(kOrphanGraceMs)) return;
  signal_children(SIGKILL);
  wait_for_children(kOrphanGraceMs);
}

pid_t find_child(pid_t parent, const std::string& program_name) {
  for (const pid_t child : children_of(parent)) {
    if (program_of(child) == program_name) return child;
  }
  return 0;
}

}  // namespace bramble::cli
