// One machine of a local cluster: a warden and an agent, and a simulated supply that gives it power.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "aggregator/cli/local_config.hpp"
#include "aggregator/cli/local_parts.hpp"

namespace bramble::cli {

// Behaves as a Pi on a relay does: without power its processes are gone at once; with power it boots after a while and
// is another boot of the same machine; asked to halt it ends its processes, says so on its halt line and has its power
// still. Its lines are the files of the aggregator's simulated lines (aggregator/power/README.md).
// Belongs to the loop's thread, as its parts do.
class LocalMachine {
 public:
  struct Programs {
    std::string warden;
    std::string agent;
  };

  // on_change: one of its processes is another, or gone.
  LocalMachine(posix::EventLoop& loop, Console& console, const LocalLayout& layout, const Programs& programs,
               LocalNode about, std::function<void()> on_change);

  // Its folders and its lines: as they stand where there are some, else it has power.
  Status prepare();

  // From now on it may run; if it has power it starts, without the time that a boot takes.
  Status plug_in(const BrokerAccess& broker);

  // What became of its lines and its processes since the last look; every 100 ms or so.
  void look(MonoTime now);

  const LocalNode& about() const { return about_; }
  bool wants_to_run() const { return phase_ == Phase::running; }
  pid_t agent_pid() const { return agent_.pid(); }
  pid_t warden_pid() const { return warden_.pid(); }
  std::vector<LocalPart*> parts() { return {&agent_, &warden_}; }

 private:
  enum class Phase : uint8_t { unplugged, off, booting, running, halting, halted };

  bool has_power() const;
  bool runs() const { return agent_.pid() != 0 || warden_.pid() != 0; }
  Status start_parts();
  void lose_power();
  void begin_boot(MonoTime now);
  void boot();
  void heed_request();
  void end_of_halt(MonoTime now);
  void say_halted(bool halted);

  Console& console_;
  const LocalLayout& layout_;
  LocalNode about_;
  BrokerAccess broker_;
  LocalPart warden_;
  LocalPart agent_;
  Phase phase_ = Phase::unplugged;
  MonoTime boots_at_;
  bool reboots_ = false;
};

}  // namespace bramble::cli
