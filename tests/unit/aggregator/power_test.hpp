// What the tests of the power state machine share: nodes that hang on lines of a rail, which answers like real ones and
// remembers every edge, and a person who switches them.
#pragma once

#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {

inline const Caller kAda{"ada", true};
inline const Caller kBob{"bob", true};

class Rail {
 public:
  explicit Rail(std::vector<LineSpec> specs);

  std::optional<LineReport> drive(const LineOp& op);

  void set(LineIndex line, bool level) { levels_[line] = level; }
  void set_all(bool level) { levels_.assign(levels_.size(), level); }
  std::vector<std::string> take_edges() { return std::exchange(edges, {}); }

  std::vector<std::string> edges;  // "on pi1", "off pi1", "press 500 pi1"
  std::set<LineIndex> mute;        // lines that do not answer
  std::set<LineIndex> stuck;       // do not go on or off
  std::set<LineIndex> unreadable;
  std::map<LineIndex, std::string> errors;
  std::map<LineIndex, int64_t> power_mw;

 private:
  static std::string name_of(const LineOp& op);

  std::vector<LineSpec> specs_;
  std::vector<bool> levels_;
};

LineSpec line_of(const std::string& node, LineRole role = LineRole::supply);

// An aggregator with such lines, connected and past its first patience.
class PowerWorld {
 public:
  explicit PowerWorld(const Config& config, LoadedState loaded = {}, std::function<void(Rail&)> prepare = {});
  ~PowerWorld();

  static Config with_lines(std::vector<LineSpec> lines);

  PowerNode& node(const std::string& name) { return cluster.state().power.nodes.at(name); }
  PowerState state(const std::string& name) { return node(name).record.state; }
  const std::string& waits(const std::string& name) { return node(name).waits; }

  void join(const std::string& name, uint64_t counter = 1, const std::string& boot = "boot-1");
  void say_goodbye(const std::string& name, uint64_t counter = 1, const std::string& boot = "boot-1");
  // A node that lives on although its session was taken away: it beats, is welcomed, and answers.
  void beat_on(const std::string& name);

  nlohmann::json ask(ApiCall call, int status = 200, const Caller& caller = kAda);
  nlohmann::json ask_power(const std::string& name, PowerRequest::Act act, PowerHow how = PowerHow::clean,
                           int status = 200, const Caller& caller = kAda);
  nlohmann::json off(const std::string& name, PowerHow how = PowerHow::clean);
  nlohmann::json on(const std::string& name);
  nlohmann::json cycle(const std::string& name, PowerHow how = PowerHow::clean);

  // Passes time until the node is in that state.
  void pass_until(const std::string& name, PowerState wanted, const std::vector<std::string>& beating = {},
                  int64_t most_ms = 600'000);

  AttemptKey run_task(const std::string& on, NodeLossPolicy policy = NodeLossPolicy::rerun);

  std::vector<std::string> audit();

  // What a restart would load of it.
  LoadedState stored();

  Rail rail;
  Harness cluster;

 private:
  static Rail prepared(const Config& config, const std::function<void(Rail&)>& prepare);
};

// Nodes pi1, pi2, ... each with a relay that reads on.
class PowerTest : public ::testing::Test {
 protected:
  static Config relays(int count);

  // pi1 is asked to shut down, and says goodbye.
  static void halt(PowerWorld& world);
};

}  // namespace bramble::aggregator::test
