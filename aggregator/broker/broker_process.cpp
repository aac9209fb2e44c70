#include "aggregator/broker/broker_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <sstream>

#include "common/posix/error.hpp"
#include "common/posix/files.hpp"

// <sys/pidfd.h> came with glibc 2.36; waiting by pidfd is older in the kernel.
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace bramble::aggregator {
namespace {

constexpr int kill_limit_ms = 5000;

// posix_spawn's two option objects, freed with this.
struct SpawnSetup {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t files;

  explicit SpawnSetup(const std::string& log_path) {
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_init(&files);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  }
  ~SpawnSetup() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
};

posix::UniqueFd open_pidfd(pid_t pid) { return posix::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

Result<uint64_t> start_ticks(pid_t pid) {
  const auto stat = posix::read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
  if (!stat) return tl::unexpected<Error>(stat.error());
  // The second field is the program's name in parentheses, and may itself contain any character.
  const size_t name_end = stat->rfind(')');
  if (name_end == std::string::npos) return fail(ErrorCode::io, "/proc has an unknown format");
  std::istringstream fields(stat->substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  uint64_t ticks = 0;
  if (!(fields >> ticks)) return fail(ErrorCode::io, "/proc has an unknown format");
  return ticks;
}

}  // namespace

Result<BrokerProcess> BrokerProcess::spawn(std::vector<std::string> argv, const std::string& log_path) {
  const SpawnSetup setup(log_path);
  std::vector<char*> args;
  for (std::string& word : argv) args.push_back(word.data());
  args.push_back(nullptr);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, args[0], &setup.files, &setup.attributes, args.data(), ::environ);
  if (error != 0) return posix::system_failure("cannot start " + argv[0], error);
  posix::UniqueFd pidfd = open_pidfd(pid);
  const int pidfd_error = errno;
  const auto ticks = start_ticks(pid);  // not reaped yet, so it has an entry in /proc even if it ended
  if (pidfd && ticks) return BrokerProcess({pid, *ticks}, std::move(pidfd));
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  if (!ticks) return tl::unexpected<Error>(ticks.error());
  return posix::system_failure("cannot watch a process (Linux 5.3 or newer is needed)", pidfd_error);
}

Result<BrokerProcess> BrokerProcess::open(const ProcessIdentity& identity) {
  const auto gone = [] { return fail(ErrorCode::not_found, "the process has ended"); };
  if (identity.pid <= 0) return gone();
  posix::UniqueFd pidfd = open_pidfd(identity.pid);
  if (!pidfd) return gone();
  // After the descriptor: whatever process that is stays its target, and now is seen to be the right one.
  const auto ticks = start_ticks(identity.pid);
  if (!ticks || *ticks != identity.start_ticks) return gone();
  BrokerProcess process(identity, std::move(pidfd));
  if (!process.alive()) return gone();
  return process;
}

bool BrokerProcess::wait(int timeout_ms) const {
  if (!pidfd_) return true;
  pollfd ended{pidfd_.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&ended, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) return false;
  siginfo_t info{};
  ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG);
  return true;
}

void BrokerProcess::send(int signal) const { ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0); }

void BrokerProcess::end(int timeout_ms) {
  if (!pidfd_) return;
  send(SIGTERM);
  if (wait(timeout_ms)) return;
  send(SIGKILL);
  wait(kill_limit_ms);
}

}  // namespace bramble::aggregator
