// Has the machine shut down or booted again. The agent may not do so itself: it leaves a request in a file, which a
// unit of the system takes (systemd/bramble-halt.path), or runs a program that is given by the configuration.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/base/result.hpp"
#include "common/posix/event_loop.hpp"
#include "common/posix/process.hpp"
#include "common/wire/messages.hpp"

namespace bramble::runner {

struct HaltOptions {
  std::string request_file = "/run/bramble-agent/request";  // one word: poweroff or reboot; empty: none
  std::string command;               // run with that word as its only argument, instead of the file; empty: none
  int64_t taken_within_ms = 10'000;  // a request that still lies there then is withdrawn
};

// Belongs to the loop's thread, and must end before the loop does.
class MachineHalt {
 public:
  // failed: one sentence with what to do, in the loop's thread; from inside ask() where that is known at once.
  using Failed = std::function<void(std::string why)>;

  MachineHalt(posix::EventLoop& loop, HaltOptions options, Failed failed);
  ~MachineHalt();
  MachineHalt(const MachineHalt&) = delete;
  MachineHalt& operator=(const MachineHalt&) = delete;

  // Removes what an earlier run left: it was not meant for now.
  void start();

  void ask(wire::ControlAction action);

 private:
  Status write_request(const std::string& word);
  Status run_command(const std::string& word);
  bool withdraw();  // true: the request lay there still
  void look_whether_taken();
  void forget_timer();

  posix::EventLoop& loop_;
  const HaltOptions options_;
  const Failed failed_;
  std::optional<posix::EventLoop::TimerId> timer_;
  std::optional<posix::Process> child_;
};

}  // namespace bramble::runner
