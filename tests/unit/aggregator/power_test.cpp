#include "power_test.hpp"

namespace bramble::aggregator::test {

Rail::Rail(std::vector<LineSpec> specs) : specs_(std::move(specs)), levels_(specs_.size()) {
  for (size_t i = 0; i < specs_.size(); ++i) levels_[i] = specs_[i].role == LineRole::supply;
}

std::optional<LineReport> Rail::drive(const LineOp& op) {
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

std::string Rail::name_of(const LineOp& op) {
  if (op.action == LineAction::press) return "press " + std::to_string(op.press_ms);
  return op.action == LineAction::switch_on ? "on" : "off";
}

LineSpec line_of(const std::string& node, LineRole role) {
  static const std::map<LineRole, std::string> kNames{{LineRole::supply, "relay"},
                                                      {LineRole::button, "button"},
                                                      {LineRole::reset, "reset"},
                                                      {LineRole::halted, "halted"},
                                                      {LineRole::meter, "meter"}};
  return {node, role, kNames.at(role) + "-" + node};
}

PowerWorld::PowerWorld(const Config& config, LoadedState loaded, std::function<void(Rail&)> prepare)
    : rail(prepared(config, prepare)),
      cluster(std::move(loaded), config, [this](const LineOp& op) { return rail.drive(op); }) {
  cluster.connect();
  cluster.pass(3000);
}

PowerWorld::~PowerWorld() {
  cluster.drop_messages();
  cluster.take_files();
}

Config PowerWorld::with_lines(std::vector<LineSpec> lines) {
  Config config;
  config.power.lines = std::move(lines);
  return config;
}

void PowerWorld::join(const std::string& name, uint64_t counter, const std::string& boot) {
  auto status = Harness::identity(name);
  status.counter = counter;
  status.boot_id = boot;
  cluster.join(status);
  cluster.pass(100);
  cluster.drop_messages();
}

void PowerWorld::say_goodbye(const std::string& name, uint64_t counter, const std::string& boot) {
  auto status = Harness::identity(name);
  status.counter = counter;
  status.boot_id = boot;
  status.online = false;
  status.reason = "goodbye";
  cluster.say(name, wire::NodeTopic::status, status);
  cluster.pass(100);
}

void PowerWorld::beat_on(const std::string& name) {
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

nlohmann::json PowerWorld::ask(ApiCall call, int status, const Caller& caller) {
  cluster.ask(std::move(call), caller);
  const ApiReply reply = cluster.take_reply();
  EXPECT_EQ(reply.http_status, status) << reply.body;
  return nlohmann::json::parse(reply.body);
}

nlohmann::json PowerWorld::ask_power(const std::string& name, PowerRequest::Act act, PowerHow how, int status,
                                     const Caller& caller) {
  return ask(PowerRequest{{name}, act, how, "because"}, status, caller);
}

nlohmann::json PowerWorld::off(const std::string& name, PowerHow how) {
  return ask_power(name, PowerRequest::Act::off, how);
}

nlohmann::json PowerWorld::on(const std::string& name) { return ask_power(name, PowerRequest::Act::on); }

nlohmann::json PowerWorld::cycle(const std::string& name, PowerHow how) {
  return ask_power(name, PowerRequest::Act::cycle, how);
}

void PowerWorld::pass_until(const std::string& name, PowerState wanted, const std::vector<std::string>& beating,
                            int64_t most_ms) {
  for (int64_t passed = 0; passed < most_ms && state(name) != wanted; passed += 100) cluster.pass(100, beating);
  ASSERT_EQ(to_string(state(name)), to_string(wanted)) << "waits for " << waits(name);
}

AttemptKey PowerWorld::run_task(const std::string& on, NodeLossPolicy policy) {
  JobSpec spec;
  spec.on_node_loss = policy;
  cluster.submit({0, 0, 1}, spec);
  const AttemptKey id = cluster.take(on).launch.at(0).id;
  cluster.event(on, Harness::started(id));
  cluster.take(on);
  return id;
}

std::vector<std::string> PowerWorld::audit() {
  std::vector<std::string> rows;
  for (const auto& write : cluster.writes_of<AddAudit>()) {
    const AuditRecord& row = write.audit;
    rows.push_back(row.who + " " + row.node + " " + row.action + (row.result.empty() ? "" : ": " + row.result));
  }
  return rows;
}

LoadedState PowerWorld::stored() {
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

Rail PowerWorld::prepared(const Config& config, const std::function<void(Rail&)>& prepare) {
  Rail rail(config.power.lines);
  if (prepare) prepare(rail);
  return rail;
}

Config PowerTest::relays(int count) {
  std::vector<LineSpec> lines;
  for (int i = 1; i <= count; ++i) lines.push_back(line_of("pi" + std::to_string(i)));
  return PowerWorld::with_lines(lines);
}

void PowerTest::halt(PowerWorld& world) {
  world.pass_until("pi1", PowerState::halting, {"pi1"});
  ASSERT_EQ(world.cluster.take_controls().size(), 1U);
  world.say_goodbye("pi1");
}

}  // namespace bramble::aggregator::test
