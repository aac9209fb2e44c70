// The warden: keeps the books of all attempts on this node, hands starts to idle keepers, and tells the agent.
//
// One thread. An attempt is either running in a slot or has exited, and stays listed until the agent forgets it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/warden/cgroups.hpp"
#include "agent/warden/channel.hpp"
#include "agent/warden/keeper.hpp"
#include "agent/warden/layout.hpp"
#include "agent/warden/sandbox.hpp"
#include "agent/warden/users.hpp"
#include "common/base/result.hpp"
#include "common/posix/event_loop.hpp"
#include "common/posix/log.hpp"
#include "common/posix/service_notifier.hpp"
#include "common/posix/unique_fd.hpp"
#include "common/wire/warden_messages.hpp"

namespace bramble::warden {

inline constexpr uint32_t kMaxSlots = 1024;
inline constexpr size_t kMaxHeldAttempts = 16'384;
inline constexpr size_t kMaxSpares = 256;  // an agent forgets in batches

struct WardenOptions {
  std::string state;  // absolute
  uint32_t slots = 1;
  std::optional<RunAs> run_as;
  std::optional<RunAs> agent;    // who may connect, besides root and this process' user
  std::string bwrap;             // empty: where it usually is
  bool require_sandbox = false;  // every task gets one
  std::string kernels;           // programs of kernels; empty: as other commands
  std::optional<gid_t> group;    // who may read outputs, besides this process' user
};

class Warden {
 public:
  explicit Warden(WardenOptions options);

  // Waits until the tasks of an earlier warden are dead, takes up what it left, starts the keepers and listens.
  Status set_up();
  // Until SIGTERM or SIGINT: then every task gets TERM, its grace, KILL, and ends as warden_lost.
  Status run();

 private:
  struct Running {
    wire::WardenStarted started;
    std::optional<wire::WardenOutput> output;  // the newest
    MonoTime heard;                            // with a lease: see WardenLease
  };
  struct Slot {
    uint32_t number = 0;
    pid_t keeper = 0;
    std::unique_ptr<Channel> channel;
    std::optional<Running> running;
    bool watches_output = false;  // what the loop was told last: wants to write
  };

  // warden.cpp: slots and keepers
  Status take_state_lock();
  Status wait_for_old_keepers();
  Status take_up_old_attempts();
  Status find_out_means();
  wire::Containment containment() const;
  Status start_slot(Slot& slot, bool empties_trash);
  void close_slot(Slot& slot);
  void on_keeper(Slot& slot, uint32_t events);
  void on_report(Slot& slot, const std::string& frame);
  void on_children();
  void replace_keeper(Slot& slot);
  void on_signal(int signal);
  void begin_stop();
  void stop_if_idle();
  std::string status_line() const;  // "2 of 4 slots busy, the agent is connected"

  // memory_watch.cpp
  void watch_memory();
  void check_memory();

  // lease_watch.cpp
  void handle(const wire::WardenLease& lease, const std::string& frame);
  void watch_leases();
  void check_leases();

  // agent_link.cpp: the agent's side
  Status listen();
  void on_connect();
  bool may_connect(int socket);
  void on_agent(uint32_t events);
  void drop_agent(const std::string& why);
  void handle(const std::string& frame);
  void handle(const wire::WardenHello& hello);
  void handle(const wire::WardenKill& kill, const std::string& frame);
  void handle(const wire::WardenForget& forget);
  void ask_keepers(const std::string& frame);
  void start(const wire::WardenStart& start, const std::string& frame);
  std::optional<std::string> reason_to_refuse(const wire::WardenStart& start) const;
  void refuse(const wire::WardenTask& task, std::string why);
  void forget(const wire::WardenTask& task);
  void use_spare(const wire::WardenTask& task);
  void send_state();
  wire::WardenExited exit_record_of(const wire::WardenTask& task, const std::string& kept) const;
  void tell_agent(const wire::WardenReport& report) { tell_agent_text(encode(report)); }
  void tell_agent_text(const std::string& text);
  void flush_soon();
  void flush_all();
  void flush(Slot& slot);

  Slot* idle_slot();
  Slot* slot_of(const wire::WardenTask& task);

  WardenOptions options_;
  Layout layout_;
  std::string note_;
  Cgroups cgroups_;
  Sandbox sandbox_;
  posix::EventLoop loop_;
  posix::ServiceNotifier notifier_;
  posix::UniqueFd state_lock_;
  posix::UniqueFd listener_;
  std::unique_ptr<Channel> agent_;
  bool agent_watches_output_ = false;
  std::vector<std::unique_ptr<Slot>> slots_;
  // Those without an exit record on disk (no directory could be made) have its text here, the others an empty one.
  std::map<wire::WardenTask, std::string> exited_;
  std::vector<std::string> spares_;  // directories of forgotten attempts
  uint64_t spares_made_ = 0;
  bool flush_planned_ = false;
  bool memory_watched_ = false;
  bool leases_watched_ = false;
  bool stopping_ = false;
  Status failure_;
  posix::LogOnce bad_requests_;
  posix::LogOnce strangers_;
};

}  // namespace bramble::warden
