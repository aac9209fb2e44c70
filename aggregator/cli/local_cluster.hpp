// A whole cluster on this machine: the real daemons, each a process of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/local_config.hpp"
#include "aggregator/cli/local_machine.hpp"
#include "aggregator/cli/local_parts.hpp"

namespace bramble::cli {

struct LocalPlan {
  uint32_t agents = 2;
  uint32_t slots = 1;
  uint64_t memory_bytes = 0;  // of each node; 0: it says itself
  std::string task_user;      // as whom tasks run; empty: as this process
  LocalKeys config;           // of a person, for aggregator.toml
};

// Belongs to the loop's thread, as its parts do.
class LocalCluster {
 public:
  // on_ready: every node that has power is on; on_failed: it cannot be had, and why. One of them is called, once, from
  // the loop.
  struct Handlers {
    std::function<void()> on_ready;
    std::function<void(const Error&)> on_failed;
  };

  LocalCluster(posix::EventLoop& loop, Console& console, LocalLayout layout, LocalPlan plan, Handlers handlers);

  Status start();

  // A child that somebody else waits for: it is no orphan when it ends.
  void leave_alone(pid_t pid) { command_pid_ = pid; }

  // Ends every part, in order: the nodes first. `ended` is called from the loop.
  void end(std::function<void()> ended);

 private:
  Status prepare();
  Status find_programs();
  void check_start();
  Result<bool> start_nodes_when_broker_is_up();
  bool all_nodes_on();
  Error refusal_of(const LocalPart& part) const;
  void fail_start(const Error& error);
  const LocalPart* part_that_keeps_dying() const;
  void watch_over();
  void look_at_machines();
  void write_pids();
  void end_step(std::function<void()> ended, MonoTime deadline, bool nodes_ended);
  std::vector<LocalPart*> node_parts() const;
  std::vector<LocalPart*> parts() const;

  posix::EventLoop& loop_;
  Console& console_;
  const LocalLayout layout_;
  const LocalPlan plan_;
  Handlers handlers_;
  Endpoint endpoint_;
  Reconnect reconnect_;
  LocalMachine::Programs node_programs_;
  std::string aggregator_program_;
  std::unique_ptr<LocalPart> aggregator_;
  std::vector<std::unique_ptr<LocalMachine>> machines_;
  MonoTime start_deadline_;
  pid_t broker_pid_ = 0;
  pid_t command_pid_ = 0;
  bool nodes_started_ = false;
  bool ending_ = false;
};

}  // namespace bramble::cli
