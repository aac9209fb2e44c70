// A handle on a process that need not be a child of this one.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::aggregator {

// A pid alone may be another process by now; with the time of its start it is certain.
struct ProcessIdentity {
  pid_t pid = 0;
  uint64_t start_ticks = 0;  // since boot, field 22 of /proc/PID/stat

  bool operator==(const ProcessIdentity&) const = default;
};

// Not thread-safe. Destroying it leaves the process running.
class BrokerProcess {
 public:
  BrokerProcess() = default;  // none: not alive

  // In a session of its own, so that neither a terminal's Ctrl-C nor our death reaches it. Standard output and error go
  // to log_path, which is emptied first.
  static Result<BrokerProcess> spawn(std::vector<std::string> argv, const std::string& log_path);

  // not_found when it has ended, or when its pid is another process now.
  static Result<BrokerProcess> open(const ProcessIdentity& identity);

  pid_t pid() const { return identity_.pid; }
  const ProcessIdentity& identity() const { return identity_; }
  int pidfd() const { return pidfd_.get(); }

  bool alive() const { return !wait(0); }
  bool wait(int timeout_ms) const;       // true: it has ended (and is reaped, if it was a child)
  void reload() const { send(SIGHUP); }  // it reads its configuration, lists and certificates anew
  void end(int timeout_ms);              // SIGTERM, and SIGKILL after timeout_ms

 private:
  BrokerProcess(ProcessIdentity identity, posix::UniqueFd pidfd) : identity_(identity), pidfd_(std::move(pidfd)) {}
  void send(int signal) const;

  ProcessIdentity identity_;
  posix::UniqueFd pidfd_;
};

}  // namespace bramble::aggregator
