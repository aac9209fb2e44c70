// A node: the real reactor of the agent, a warden by its rules, and the adapter between them and the broker.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/core/reactor.hpp"
#include "broker.hpp"
#include "sim_blobs.hpp"
#include "sim_warden.hpp"

namespace bramble::sim {

class SimNode {
 public:
  SimNode(uint32_t number, Timeline& timeline, Broker& broker, Random& random, Truth& truth, Bug bug,
          std::function<void(std::string)> violation);

  void start_agent();
  void crash_agent();
  void stop_agent(int64_t for_ms);  // SIGSTOP
  void crash_warden(int64_t away_ms);
  void hang_warden(int64_t for_ms);
  void lose_power(int64_t away_ms);
  void cut_cable(int64_t for_ms);
  void stall_link(int64_t mute_ms, int64_t deaf_ms);  // what it says is lost, what it is told comes late
  void jump_wall_clock(int64_t by_ms);
  void join_anew();  // a person removes agent.state
  void freeze();     // its kernel hangs, until its power is taken

  // Its power, as its lines have it (sim_power.hpp).
  std::function<void()> on_shutdown;  // the agent asks the machine for one, as the aggregator wants it
  void shut_down(int64_t in_ms);      // says goodbye, and has halted then
  void lose_supply();
  void get_supply(int64_t boot_ms);  // negative: it does not boot
  bool is_running() const { return powered_; }
  size_t running_tasks() const { return warden_.running(); }
  void note_trouble(int64_t until_in_ms);

  const std::string& name() const { return name_; }
  // When something last befell this node that can be the cause of a task's second run.
  int64_t last_trouble_ms() const { return trouble_ms_; }
  std::optional<std::string> leftover() const;  // what it should not hold any more when all is done
  std::string describe() const;                 // for a person who looks for the reason of a violation

 private:
  using Event = std::function<void(agent::Effects&, Now)>;

  agent::Config config() const;
  void connect_clients();
  void die();
  void boot();
  void link_warden(int64_t delay_ms);
  void unlink_warden();
  void on_warden_says(wire::WardenReport report);
  void hear(const std::string& topic, std::string payload);
  void step(Event event);
  void carry_out(agent::Effects effects);
  void keep_blobs(const std::vector<agent::BlobEffect>& effects);
  void check_blob(const std::string& sha256);
  void send(const agent::Publish& publish);
  void forge_done(const agent::Publish& publish);
  void plan_tick(MonoTime at);
  void drop_links();
  bool is_mine(const std::string& topic, bool bulk) const;

  const std::string name_;
  Timeline& timeline_;
  Broker& broker_;
  Random& random_;
  const Bug bug_;
  std::function<void(std::string)> violation_;
  wire::Topics topics_{"sim"};
  MachineClock clock_;

  agent::Saved disk_;  // the agent's small state file
  NodeBlobs blobs_;
  uint64_t boot_ = 1;
  uint64_t agent_life_ = 0;
  std::optional<agent::State> state_;
  bool stopped_ = false;
  std::deque<Event> waiting_;  // while stopped
  bool powered_ = true;        // runs
  bool supplied_ = true;
  uint64_t power_life_ = 0;
  bool warden_up_ = true;
  bool warden_linked_ = false;
  uint64_t tick_ = 0;
  MonoTime tick_at_{-1};
  int64_t trouble_ms_ = -1'000'000;
  Client control_;
  Client bulk_;
  SimWarden warden_;
};

}  // namespace bramble::sim
