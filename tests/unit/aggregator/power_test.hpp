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
  explicit Rail(std::vector<LineSpec> specs) : specs_(std::move(specs)), levels_(specs_.size()) {
    for (size_t i = 0; i < specs_.size(); ++i) levels_[i] = specs_[i].role == LineRole::supply;
  }

  std::optional<LineReport> drive(const LineOp& op) {
    const LineSpec& spec = specs_[op.line];
    if (op.action != LineAction::read) edges.push_back(name_of(op) + " " + spec.node);
    if (mute.contains(op.line)) return {};
    LineReport report{op.number, op.line, {}, {}, errors.contains(op.line) ? errors[op.line] : ""};
    if (!report.error.empty()) return report;
    if (op.action == LineAction::switch_on || op.action == LineAction::switch_off) {
      if (!stuck.contains(op.line)) levels_[op.line] = op.action == LineAction::switch_on;
    }
    if (spec.role == LineRole::meter) {
      report.power_mw = power_mw[op.line];
    } else if (!unreadable.contains(op.line)) {
      report.level = levels_[op.line];
    }
    return report;
  }

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
  static std::string name_of(const LineOp& op) {
    if (op.action == LineAction::press) return "press " + std::to_string(op.press_ms);
    return op.action == LineAction::switch_on ? "on" : "off";
  }

  std::vector<LineSpec> specs_;
  std::vector<bool> levels_;
};

inline LineSpec line_of(const std::string& node, LineRole role = LineRole::supply) {
  static const std::map<LineRole, std::string> kNames{{LineRole::supply, "relay"},
                                                      {LineRole::button, "button"},
                                                      {LineRole::reset, "reset"},
                                                      {LineRole::halted, "halted"},
                                                      {LineRole::meter, "meter"}};
  return {node, role, kNames.at(role) + "-" + node};
}

// An aggregator with such lines, connected and past its first patience.
class PowerWorld {
 public:
  explicit PowerWorld(const Config& config, LoadedState loaded = {}, std::function<void(Rail&)> prepare = {})
      : rail(prepared(config, prepare)),
        cluster(std::move(loaded), config, [this](const LineOp& op) { return rail.drive(op); }) {
    cluster.connect();
    cluster.pass(3000);
  }
  ~PowerWorld() {
    cluster.drop_messages();
    cluster.take_files();
  }

  static Config with_lines(std::vector<LineSpec> lines) {
    Config config;
    config.power.lines = std::move(lines);
    return config;
  }

  PowerNode& node(const std::string& name) { return cluster.state().power.nodes.at(name); }
  PowerState state(const std::string& name) { return node(name).record.state; }
  const std::string& waits(const std::string& name) { return node(name).waits; }

  void join(const std::string& name, uint64_t counter = 1, const std::string& boot = "boot-1") {
    auto status = Harness::identity(name);
    status.counter = counter;
    status.boot_id = boot;
    cluster.join(status);
    cluster.pass(100);
    cluster.drop_messages();
  }
  void say_goodbye(const std::string& name, uint64_t counter = 1, const std::string& boot = "boot-1") {
    auto status = Harness::identity(name);
    status.counter = counter;
    status.boot_id = boot;
    status.online = false;
    status.reason = "goodbye";
    cluster.say(name, wire::NodeTopic::status, status);
    cluster.pass(100);
  }
  // A node that lives on although its session was taken away: it beats, is welcomed, and answers.
  void beat_on(const std::string& name) {
    cluster.pass(1100);
    cluster.beat(name);
    const auto message = cluster.take(name);
    ASSERT_TRUE(message.welcome);
    wire::Inventory inventory;
    inventory.store = kStore;
    inventory.session = message.session;
    inventory.nonce = message.welcome->nonce;
    cluster.say(name, wire::NodeTopic::inventory, inventory);
    cluster.pass(100);
  }

  nlohmann::json ask(ApiCall call, int status = 200, const Caller& caller = kAda) {
    cluster.ask(std::move(call), caller);
    const ApiReply reply = cluster.take_reply();
    EXPECT_EQ(reply.http_status, status) << reply.body;
    return nlohmann::json::parse(reply.body);
  }
  nlohmann::json ask_power(const std::string& name, PowerRequest::Act act, PowerHow how = PowerHow::clean,
                           int status = 200, const Caller& caller = kAda) {
    return ask(PowerRequest{{name}, act, how, "because"}, status, caller);
  }
  nlohmann::json off(const std::string& name, PowerHow how = PowerHow::clean) {
    return ask_power(name, PowerRequest::Act::off, how);
  }
  nlohmann::json on(const std::string& name) { return ask_power(name, PowerRequest::Act::on); }
  nlohmann::json cycle(const std::string& name, PowerHow how = PowerHow::clean) {
    return ask_power(name, PowerRequest::Act::cycle, how);
  }

  // Passes time until the node is in that state.
  void pass_until(const std::string& name, PowerState wanted, const std::vector<std::string>& beating = {},
                  int64_t most_ms = 600'000) {
    for (int64_t passed = 0; passed < most_ms && state(name) != wanted; passed += 100) cluster.pass(100, beating);
    ASSERT_EQ(to_string(state(name)), to_string(wanted)) << "waits for " << waits(name);
  }

  AttemptKey run_task(const std::string& on, NodeLossPolicy policy = NodeLossPolicy::rerun) {
    JobSpec spec;
    spec.on_node_loss = policy;
    cluster.submit({0, 0, 1}, spec);
    const AttemptKey id = cluster.take(on).launch.at(0).id;
    cluster.event(on, Harness::started(id));
    cluster.take(on);
    return id;
  }

  std::vector<std::string> audit() {
    std::vector<std::string> rows;
    for (const auto& write : cluster.writes_of<AddAudit>()) {
      const AuditRecord& row = write.audit;
      rows.push_back(row.who + " " + row.node + " " + row.action + (row.result.empty() ? "" : ": " + row.result));
    }
    return rows;
  }

  // What a restart would load of it.
  LoadedState stored() {
    LoadedState loaded;
    loaded.store = kStore;
    loaded.term = cluster.state().term + 1;
    loaded.last_session = cluster.state().last_session;
    loaded.last_job = cluster.state().last_job;
    for (const auto& known : cluster.state().nodes) loaded.nodes.push_back(known.record);
    std::map<std::string, PowerRecord> last;
    for (const auto& write : cluster.writes_of<PutPower>()) last[write.power.node] = write.power;
    for (const auto& [name, record] : last) loaded.power.push_back(record);
    for (const auto& write : cluster.writes_of<PutPowerPause>()) loaded.power_pause = write.pause;
    return loaded;
  }

  Rail rail;
  Harness cluster;

 private:
  static Rail prepared(const Config& config, const std::function<void(Rail&)>& prepare) {
    Rail rail(config.power.lines);
    if (prepare) prepare(rail);
    return rail;
  }
};

// Nodes pi1, pi2, ... each with a relay that reads on.
class PowerTest : public ::testing::Test {
 protected:
  static Config relays(int count) {
    std::vector<LineSpec> lines;
    for (int i = 1; i <= count; ++i) lines.push_back(line_of("pi" + std::to_string(i)));
    return PowerWorld::with_lines(lines);
  }

  // pi1 is asked to shut down, and says goodbye.
  static void halt(PowerWorld& world) {
    world.pass_until("pi1", PowerState::halting, {"pi1"});
    ASSERT_EQ(world.cluster.take_controls().size(), 1U);
    world.say_goodbye("pi1");
  }
};

}  // namespace bramble::aggregator::test
