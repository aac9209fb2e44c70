// The power of nodes where people look: the listing, metrics, alerts.
#include "aggregator/core/metrics.hpp"
#include "power_test.hpp"

namespace bramble::aggregator::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

struct Shown : PowerWorld {
  explicit Shown(Config config = PowerWorld::with_lines({line_of("pi1")})) : PowerWorld(std::move(config)) {}
  std::string metrics() { return metrics_text(cluster.state(), cluster.now()); }
  json listed() { return ask(NodesRequest{})[0]; }
};

Config with_alert(const std::string& metric, double limit) {
  Config config = PowerWorld::with_lines({line_of("pi1")});
  AlertRule rule;
  rule.name = "watch";
  rule.metric = metric;
  rule.limit = rule.clear = limit;
  config.alerts = {rule};
  return config;
}

TEST(PowerShown, InTheListingOfNodes) {
  Shown world;
  world.join("pi1");
  EXPECT_EQ(world.listed()["power"], "on");
  world.off("pi1", PowerHow::force);
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::off);
  EXPECT_EQ(world.listed()["power"], "off");
  world.cluster.take_controls();
}

TEST(PowerShown, NotOfNodesWithoutALine) {
  Shown world{Config{}};
  world.join("pi1");
  EXPECT_TRUE(world.listed()["power"].is_null());
  EXPECT_THAT(world.metrics(), Not(HasSubstr("power_state")));
}

TEST(PowerShown, AsMetrics) {
  Config config = PowerWorld::with_lines({line_of("pi1")});
  config.power.supplies = {SupplyConfig{}};
  config.power.supplies[0].name = "shelf";
  config.power.supplies[0].nodes = {"pi1"};
  config.power.supplies[0].max_mw = 20'000;
  Shown world(config);
  world.join("pi1");
  const std::string text = world.metrics();
  EXPECT_THAT(text, HasSubstr("bramble_node_power_state{node=\"pi1\",state=\"on\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("bramble_supply_limit_watts{supply=\"shelf\"} 20\n"));
  EXPECT_THAT(text, HasSubstr("bramble_aggregator_power_paused 0\n"));
}

TEST(PowerShown, AFaultRaisesAnAlertAndClearsIt) {
  Shown world(with_alert("power_fault", 0));
  world.join("pi1");
  world.rail.errors[0] = "the chip is gone";
  world.off("pi1");
  world.pass_until("pi1", PowerState::fault);
  world.cluster.pass(100);
  EXPECT_THAT(world.metrics(), HasSubstr("bramble_alert_raised{alert=\"watch\",node=\"pi1\"} 1\n"));
  world.cluster.take_controls();
  world.rail.errors.clear();
  world.ask(ClearFaultRequest{{"pi1"}, "mended"});
  world.cluster.pass(1000);
  EXPECT_THAT(world.metrics(), HasSubstr("bramble_alert_raised{alert=\"watch\",node=\"pi1\"} 0\n"));
}

TEST(PowerShown, ANodeThatIsSwitchedOffIsNotMissed) {
  Shown world(with_alert("silence_s", 10));
  world.join("pi1");
  world.off("pi1", PowerHow::force);
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::off);
  world.cluster.pass(60'000);
  EXPECT_THAT(world.metrics(), Not(HasSubstr("bramble_alert_raised{alert=\"watch\",node=\"pi1\"} 1\n")));
  world.cluster.take_controls();
}

}  // namespace
}  // namespace bramble::aggregator::test
