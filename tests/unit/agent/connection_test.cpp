#include "support/agent_harness.hpp"

namespace bramble::agent::testing {
namespace {

using wire::NodeTopic;

TEST(AgentConnection, GivesAWillThatCarriesTheCounterItHasJustStored) {
  AgentHarness h;
  h.tick();
  const auto connect = h.take_connect();
  ASSERT_TRUE(connect);
  ASSERT_TRUE(h.saved);
  EXPECT_GE(h.saved->counter, 1U);
  EXPECT_EQ(connect->will_topic, "bramble/test/node/pi01/status");
  const auto will = wire::decode<wire::NodeStatus>(connect->will_payload);
  ASSERT_TRUE(will);
  EXPECT_FALSE(will->online);
  EXPECT_EQ(will->reason, "will");
  EXPECT_EQ(will->counter, 1U);
  EXPECT_EQ(will->boot_id, "boot");
  EXPECT_EQ(will->agent_id, kAgentId);
  h.read_sensors = false;
}

TEST(AgentConnection, PublishesItsBirthRetainedOnceConnected) {
  Config config = test_config();
  config.resources = {{"gpu", 1}};
  config.labels = {{"rack", "a"}};
  AgentHarness h(config);
  h.tick();
  h.take_connect();
  h.step([&](Effects& effects) { on_connected(h.state, effects, h.now); });
  ASSERT_EQ(h.publishes.size(), 1U);
  EXPECT_TRUE(h.publishes[0].retained);
  EXPECT_EQ(h.publishes[0].qos, 1);
  const auto births = h.take<wire::NodeStatus>(NodeTopic::status);
  ASSERT_EQ(births.size(), 1U);
  EXPECT_TRUE(births[0].online);
  EXPECT_EQ(births[0].cores, 2U);
  EXPECT_EQ(births[0].memory_bytes, 1000U);
  EXPECT_EQ(births[0].resources.at("gpu"), 1);
  EXPECT_EQ(births[0].labels.at("rack"), "a");
  EXPECT_EQ(births[0].counter, 1U);
  EXPECT_EQ(h.take_log(), std::vector<std::string>{"connected to the broker"});
  h.read_sensors = false;
}

TEST(AgentConnection, TriesAgainWithGrowingPausesAndSaysSoOnce) {
  AgentHarness h;
  h.tick();
  h.read_sensors = false;
  int64_t longest = 0;
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(h.take_connect()) << "attempt " << i;
    h.disconnected("connection refused");
    const int64_t pause = h.wake_at - h.now.mono;
    EXPECT_GE(pause, 150);
    EXPECT_LE(pause, 5000 * 5 / 4);
    longest = std::max(longest, pause);
    h.advance(pause);
  }
  ASSERT_TRUE(h.take_connect());
  EXPECT_GE(longest, 5000 * 3 / 4);
  EXPECT_EQ(h.take_log().size(), 1U);
  EXPECT_EQ(h.state.counter, 9U);
}

TEST(AgentConnection, NeverUsesACounterThatAnEarlierRunMayHaveUsed) {
  AgentHarness first;
  first.connect_broker();
  ASSERT_TRUE(first.saved);
  AgentHarness second(test_config(), *first.saved);
  second.connect_broker();
  EXPECT_GT(second.state.counter, first.saved->counter);
  EXPECT_GT(second.saved->counter, first.saved->counter);
}

TEST(AgentConnection, WritesTheCounterOnceInManyConnections) {
  AgentHarness h;
  h.tick();
  h.read_sensors = false;
  int writes = 0;
  for (int i = 0; i < 250; ++i) {
    ASSERT_TRUE(h.take_connect());
    if (std::exchange(h.saved, {})) ++writes;
    EXPECT_LE(h.state.counter, h.state.saved.counter);
    h.disconnected();
    while (!h.connect) h.advance(h.wake_at - h.now.mono);
  }
  EXPECT_EQ(writes, 3);
  h.connect.reset();
  h.take_log();
  h.read_sensors = false;
}

TEST(AgentConnection, SaysWhenTheBrokerIsBack) {
  AgentHarness h;
  h.connect_broker();
  h.disconnected();
  EXPECT_EQ(h.take_log().size(), 1U);
  h.advance(h.wake_at - h.now.mono);
  ASSERT_TRUE(h.take_connect());
  h.step([&](Effects& effects) { on_connected(h.state, effects, h.now); });
  EXPECT_EQ(h.take_log(), std::vector<std::string>{"connected to the broker again"});
  EXPECT_EQ(h.take<wire::NodeStatus>(NodeTopic::status).size(), 1U);
}

TEST(AgentConnection, SaysGoodbyeWhenStopped) {
  AgentHarness h;
  h.connect_broker();
  h.step([&](Effects& effects) { stop(h.state, effects, h.now); });
  const auto statuses = h.take<wire::NodeStatus>(NodeTopic::status);
  ASSERT_EQ(statuses.size(), 1U);
  EXPECT_FALSE(statuses[0].online);
  EXPECT_EQ(statuses[0].reason, "goodbye");
  EXPECT_TRUE(std::exchange(h.disconnect, false));
  h.advance(60'000);  // and nothing more
}

TEST(AgentConnection, OpensTheSecondConnectionOnlyBesideTheFirst) {
  AgentHarness h;
  h.tick();
  h.read_sensors = false;
  EXPECT_FALSE(h.connect_bulk);
  h.take_connect();
  h.step([&](Effects& effects) { on_connected(h.state, effects, h.now); });
  h.tick();
  EXPECT_TRUE(std::exchange(h.connect_bulk, false));
  h.step([&](Effects& effects) { on_bulk_disconnected(h.state, effects, h.now, "not authorised"); });
  h.take<wire::NodeStatus>(NodeTopic::status);
  h.take<wire::Beat>(NodeTopic::beat);
  EXPECT_EQ(h.take_log().size(), 2U);  // connected; no second connection
  h.advance(h.wake_at - h.now.mono);
  EXPECT_TRUE(std::exchange(h.connect_bulk, false));
}

TEST(AgentConnection, TwoSeedsGiveTwoPauses) {
  std::set<int64_t> pauses;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    State state(test_config(), {kAgentId, "machine", 0, {}, 0, {}, {}}, seed * 7919);
    Effects effects;
    const Now now{{1000}, {0}};
    start(state, now);
    on_tick(state, effects, now);
    on_disconnected(state, effects, now, "no");
    pauses.insert(*state.link.retry_at - now.mono);
  }
  EXPECT_GT(pauses.size(), 5U);
}

TEST(AgentConnection, EachReasonWhyThereIsNoConnectionIsSaidOnce) {
  AgentHarness agent;
  const auto fail_with = [&](const std::string& reason) {
    agent.advance(10'000);
    ASSERT_TRUE(agent.take_connect());
    agent.disconnected(reason);
  };
  for (int round = 0; round < 3; ++round) {
    fail_with("head.local: no such host name");
    fail_with("192.168.1.10: it has revoked our certificate");
  }
  const auto log = agent.take_log();
  ASSERT_EQ(log.size(), 2U);
  EXPECT_NE(log[0].find("no such host name"), std::string::npos);
  EXPECT_NE(log[1].find("revoked"), std::string::npos);
  agent.read_sensors = false;
}

}  // namespace
}  // namespace bramble::agent::testing
