// Child processes: the daemons that `bramble local` and the tests start. (Tasks are the warden's: agent/warden.)
#pragma once

#include <sys/types.h>

#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/posix/event_loop.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::posix {

struct ExitStatus {
  int code = 0;
  int signal = 0;  // not 0: ended by it; code means nothing then

  bool success() const { return code == 0 && signal == 0; }
  int shell_code() const { return signal != 0 ? 128 + signal : code; }
  bool operator==(const ExitStatus&) const = default;
};

struct SpawnOptions {
  std::vector<std::string> argv;                // argv[0] is looked for in this process' PATH if it has no '/'
  std::optional<std::vector<std::string>> env;  // "NAME=value"; absent: this process' own
  std::string directory;                        // empty: this process' own
  int stdin_fd = -1;                            // -1: /dev/null
  int stdout_fd = -1;                           // -1: this process' own
  int stderr_fd = -1;                           // -1: this process' own
  bool die_with_parent = false;                 // death_signal when the *thread* that spawned it ends
  int death_signal = SIGKILL;
  bool own_group = false;  // a process group of its own: a terminal's Ctrl-C does not reach it
};

// A child of this process, which must be the one to wait for it. Not thread-safe. Destroying it neither kills nor
// waits: a child that was not waited for stays a zombie until this process ends.
class Process {
 public:
  // An error (say, a command that does not exist) is told here, not by an exit status. All other descriptors of ours
  // must be close-on-exec; those that are not are inherited.
  static Result<Process> spawn(const SpawnOptions& options);

  // A child that runs `body` in place of a program and ends with what it returns. Where this process has threads, body
  // may only do what is safe after a fork: no locks, no memory. It inherits every descriptor.
  static Result<Process> fork_only(const std::function<int()>& body);

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }  // readable once it ended

  bool running() { return !try_wait(); }
  std::optional<ExitStatus> try_wait();
  std::optional<ExitStatus> wait(int timeout_ms = -1);  // nullopt: it still runs after timeout_ms; -1: no limit
  void kill(int signal);                                // nothing if it has been waited for
  ExitStatus kill_and_wait();                           // SIGKILL

  // Calls `handler` once, in the loop's thread. This object must stay where it is until then, or until forget_exit().
  void on_exit(EventLoop& loop, std::function<void(ExitStatus)> handler);
  void forget_exit(EventLoop& loop) { loop.remove_fd(pidfd_.get()); }

 private:
  static Result<Process> watch(pid_t pid);
  Process(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}

  pid_t pid_;
  UniqueFd pidfd_;
  std::optional<ExitStatus> status_;
};

ExitStatus exit_status_of(int wait_status);

}  // namespace bramble::posix
