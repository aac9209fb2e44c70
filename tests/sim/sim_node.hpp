// A node: the real reactor of the agent, a warden by its rules, and the adapter between them and the broker.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/core/reactor.hpp"
#include "broker.hpp"
#include "sim_warden.hpp"

namespace bramble::sim {

class SimNode {
 public:
  SimNode(std::string name, Timeline& timeline, Broker& broker, Random& random, Truth& truth, Bug bug,
          std::function<void(std::string)> violation);

  void start_agent();
  void crash_agent();
  void crash_warden(int64_t away_ms);
  void lose_power(int64_t away_ms);
  void cut_cable(int64_t for_ms);
  std::string describe() const;  // for a person who looks for the reason of a violation

 private:
  agent::Config config() const;
  void link_warden(int64_t delay_ms);
  void unlink_warden();
  void on_warden_says(wire::WardenReport report);
  template <typename Event>
  void step(Event event);
  void carry_out(agent::Effects effects);
  void send(const agent::Publish& publish);
  void forge_done(const agent::Publish& publish);
  void plan_tick(MonoTime at);
  bool is_mine(const std::string& topic, bool bulk) const;

  const std::string name_;
  Timeline& timeline_;
  Broker& broker_;
  Random& random_;
  const Bug bug_;
  std::function<void(std::string)> violation_;
  wire::Topics topics_{"sim"};

  agent::Saved disk_;  // the agent's small state file
  uint64_t boot_ = 1;
  uint64_t agent_life_ = 0;
  std::optional<agent::State> state_;
  bool powered_ = true;
  bool warden_up_ = true;
  bool warden_linked_ = false;
  uint64_t tick_ = 0;
  MonoTime tick_at_{-1};
  Client control_;
  Client bulk_;
  SimWarden warden_;
};

}  // namespace bramble::sim
