#include "support/agent_harness.hpp"

namespace bramble::agent::testing {
namespace {

using wire::NodeTopic;

TEST(AgentSession, BeatsWithSessionZeroUntilWelcomed) {
  Config config = test_config();
  config.beat_ms = 1000;
  AgentHarness h(config);
  h.connect_broker();
  h.advance(1000);
  auto beats = h.take<wire::Beat>(NodeTopic::beat);
  ASSERT_EQ(beats.size(), 1U);
  EXPECT_EQ(beats[0].session, 0U);
  EXPECT_EQ(beats[0].number, 2U);
  EXPECT_EQ(beats[0].sent_ms, h.now.mono.ms);
  h.tasks(h.welcome_message(7));
  h.take_log();
  h.advance(1000);
  beats = h.take<wire::Beat>(NodeTopic::beat);
  ASSERT_EQ(beats.size(), 1U);
  EXPECT_EQ(beats[0].session, 7U);
}

TEST(AgentSession, DoesNotMakeUpForBeatsThatItSleptThrough) {
  Config config = test_config();
  config.beat_ms = 1000;
  AgentHarness h(config);
  h.connect_broker();
  h.advance(10'000);
  h.tick();
  EXPECT_EQ(h.take<wire::Beat>(NodeTopic::beat).size(), 1U);
  EXPECT_EQ(h.wake_at - h.now.mono, 1000);
}

TEST(AgentSession, TakesTheIntervalsOfTheWelcomeUnlessConfigured) {
  Config config = test_config();
  config.beat_ms.reset();
  AgentHarness h(config);
  h.connect_broker();
  auto welcome = h.welcome_message();
  welcome.welcome->beat_ms = 250;
  welcome.welcome->telemetry_ms = 250;
  h.tasks(welcome);
  EXPECT_EQ(h.state.session.beat_ms, 250);
  EXPECT_EQ(h.state.session.telemetry_ms, 600'000);
  h.take_log();
}

TEST(AgentSession, JoinsTheStoreOfTheFirstWelcomeForGood) {
  AgentHarness h;
  h.connect_broker();
  h.tasks(h.welcome_message());
  ASSERT_TRUE(h.saved);
  EXPECT_EQ(h.saved->store, kStore);
  EXPECT_EQ(h.saved->term, 1U);
  EXPECT_EQ(h.take_log().size(), 1U);

  auto foreign = h.welcome_message(8);
  foreign.store = kOtherStore;
  h.tasks(foreign);
  EXPECT_EQ(h.state.session.id, 7U);
  EXPECT_EQ(h.state.counts.fenced, 1U);
  ASSERT_EQ(h.log.size(), 1U);
  EXPECT_NE(h.take_log()[0].find("joined to " + kStore), std::string::npos);
  h.tasks(foreign);  // said once
  const auto objections = h.take<wire::NodeStatus>(NodeTopic::status);
  ASSERT_EQ(objections.size(), 1U) << "so that the other one learns whose this node is";
  EXPECT_EQ(objections[0].store, kStore);
}

struct BadWelcome {
  const char* name;
  void (*spoil)(wire::TasksMessage&);
};

class AgentWelcome : public ::testing::TestWithParam<BadWelcome> {};

TEST_P(AgentWelcome, IsRefusedUnlessItAnswersThisBirth) {
  AgentHarness h;
  h.connect_broker();
  h.state.saved.store = kStore;
  h.state.saved.term = 5;
  auto welcome = h.welcome_message();
  welcome.term = 5;
  GetParam().spoil(welcome);
  h.tasks(welcome);
  EXPECT_EQ(h.state.session.id, 0U);
  EXPECT_GE(h.state.counts.fenced, 1U);
  h.take<wire::NodeStatus>(NodeTopic::status);  // the objection to a lower term
}

INSTANTIATE_TEST_SUITE_P(
    , AgentWelcome,
    ::testing::Values(BadWelcome{"OtherAgent", [](wire::TasksMessage& m) { m.welcome->agent_id = kOtherAgentId; }},
                      BadWelcome{"OtherBoot", [](wire::TasksMessage& m) { m.welcome->boot_id = "another"; }},
                      BadWelcome{"EarlierCounter", [](wire::TasksMessage& m) { --m.welcome->counter; }},
                      BadWelcome{"LowerTerm", [](wire::TasksMessage& m) { m.term = 4; }}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(AgentSession, KeepsTheNewerOfTwoWelcomes) {
  AgentHarness h;
  h.make_ready();
  h.tasks(h.welcome_message(9));
  EXPECT_EQ(h.take<wire::Inventory>(NodeTopic::inventory).size(), 1U);
  h.tasks(h.welcome_message(8));  // late, or of an aggregator that has gone back in time: it is told
  EXPECT_EQ(h.state.session.id, 9U);
  const auto objections = h.take<wire::NodeStatus>(NodeTopic::status);
  ASSERT_EQ(objections.size(), 1U);
  EXPECT_EQ(objections[0].session, 9U);
  h.tasks(h.welcome_message(8));
  EXPECT_TRUE(h.take<wire::NodeStatus>(NodeTopic::status).empty()) << "not at once again";
}

TEST(AgentSession, AnswersARepeatedWelcomeWithTheInventoryAgain) {
  AgentHarness h;
  h.make_ready();
  h.run({1, 0, 1});
  h.tasks(h.welcome_message(7));
  const auto pages = h.take<wire::Inventory>(NodeTopic::inventory);
  ASSERT_EQ(pages.size(), 1U);
  EXPECT_EQ(pages[0].nonce, 99U);
  EXPECT_EQ(pages[0].running, std::vector<AttemptKey>({{1, 0, 1}}));
}

TEST(AgentSession, ListsQueuedRunningAndFinished) {
  AgentHarness h;
  h.make_ready();
  h.launch({{1, 0, 1}, {1, 1, 1}, {1, 2, 1}, {1, 3, 1}});
  h.report(h.started({1, 0, 1}));
  h.report(h.exited({1, 1, 1}));
  h.take_events();
  h.take_warden<wire::WardenStart>();
  h.tasks(h.welcome_message(8));
  const auto pages = h.take<wire::Inventory>(NodeTopic::inventory);
  ASSERT_EQ(pages.size(), 1U);
  EXPECT_EQ(pages[0].session, 8U);
  EXPECT_EQ(pages[0].store, kStore);
  EXPECT_EQ(pages[0].queued, std::vector<AttemptKey>({{1, 3, 1}}));
  EXPECT_EQ(pages[0].running, std::vector<AttemptKey>({{1, 0, 1}, {1, 2, 1}}));
  EXPECT_EQ(pages[0].finished, std::vector<AttemptKey>({{1, 1, 1}}));
  h.take_events();  // under the new session
}

TEST(AgentSession, SplitsALongInventoryIntoPages) {
  AgentHarness h;
  h.make_ready();
  for (uint32_t first = 0; first < 6000; first += 3000) {
    std::vector<AttemptKey> ids;
    for (uint32_t task = first; task < first + 3000; ++task) ids.push_back({1, task, 1});
    h.launch(ids);
  }
  h.take_events();
  h.take_warden<wire::WardenStart>();
  h.tasks(h.welcome_message(8));
  const auto pages = h.take<wire::Inventory>(NodeTopic::inventory);
  ASSERT_EQ(pages.size(), 2U);
  EXPECT_EQ(pages[1].page, 1U);
  EXPECT_EQ(pages[0].pages, 2U);
  EXPECT_EQ(pages[0].queued.size() + pages[0].running.size() + pages[1].queued.size(), 6000U);
}

TEST(AgentSession, KeepsTheInventoryBackUntilTheWardenHasBeenHeard) {
  AgentHarness h;
  h.state.saved.store = kStore;
  h.connect_broker();
  h.tasks(h.welcome_message());
  EXPECT_TRUE(h.take<wire::Inventory>(NodeTopic::inventory).empty());
  wire::WardenState list;
  list.running = {h.started({4, 2, 1})};
  h.connect_warden(list);
  const auto pages = h.take<wire::Inventory>(NodeTopic::inventory);
  ASSERT_EQ(pages.size(), 1U);
  EXPECT_EQ(pages[0].running, std::vector<AttemptKey>({{4, 2, 1}}));
  EXPECT_EQ(h.take_event_types(), std::vector{wire::EventType::started});
}

TEST(AgentSession, ObeysNothingFromAnotherSession) {
  AgentHarness h;
  h.make_ready();
  wire::TasksMessage message;
  message.session = 6;
  message.specs[1] = true_spec();
  message.launch = {{{1, 0, 1}, {}}};
  message.cancel = {{1, 1, 1}};
  message.recall = {{1, 2, 1}};
  h.tasks(message);
  EXPECT_TRUE(h.state.tasks.held.empty());
  EXPECT_EQ(h.state.counts.fenced, 1U);
}

TEST(AgentSession, HearsAcknowledgementsOnlyOfItsSession) {
  AgentHarness h;
  h.make_ready();
  h.launch({{1, 0, 1}});
  h.take_warden<wire::WardenStart>();
  h.report(h.exited({1, 0, 1}));
  h.take_events();
  wire::TasksMessage message;
  message.session = 6;
  message.done = {{1, 0, 1}};
  h.tasks(message);
  EXPECT_EQ(h.state.tasks.held.size(), 1U);
}

TEST(AgentSession, SaysAgainWhoItIsWhenAsked) {
  AgentHarness h;
  h.connect_broker();
  wire::TasksMessage ask;
  ask.ask_status = true;
  h.tasks(ask);
  EXPECT_EQ(h.take<wire::NodeStatus>(NodeTopic::status).size(), 1U);
}

TEST(AgentSession, StaysAwayForHalfAMinuteWhenItsNameIsTaken) {
  AgentHarness h;
  h.connect_broker();
  wire::TasksMessage refusal;
  refusal.session = 3;
  refusal.refusal = wire::Refusal{kAgentId, "node pi01 is taken by agent " + kOtherAgentId};
  h.tasks(refusal);
  EXPECT_TRUE(std::exchange(h.disconnect, false));
  ASSERT_EQ(h.log.size(), 1U);
  EXPECT_NE(h.take_log()[0].find(kOtherAgentId), std::string::npos);
  h.advance(29'000);
  EXPECT_FALSE(h.connect);
  h.advance(1'000);
  EXPECT_TRUE(h.take_connect());

  h.step([&](Effects& effects) { on_connected(h.state, effects, h.now); });
  h.tasks(refusal);  // again: not said again
  EXPECT_TRUE(std::exchange(h.disconnect, false));
  h.take<wire::NodeStatus>(NodeTopic::status);
}

TEST(AgentSession, PublishesItsStatusAgainWhenAnotherAgentIsRefused) {
  AgentHarness h;
  h.make_ready();
  wire::TasksMessage refusal;
  refusal.refusal = wire::Refusal{kOtherAgentId, "taken"};
  h.tasks(refusal);
  EXPECT_EQ(h.take<wire::NodeStatus>(NodeTopic::status).size(), 1U);
  EXPECT_FALSE(h.disconnect);
}

TEST(AgentSession, DropsGarbageAndSaysSoOncePerKind) {
  AgentHarness h;
  h.make_ready();
  for (int i = 0; i < 3; ++i) {
    h.message("bramble/test/node/pi01/tasks", "\xff{{{");
    h.message("bramble/test/node/pi01/blob/want", "[]");
    h.message("bramble/test/aggregator/status", "7");
    h.message("bramble/test/node/pi01/blob/down/xyz/-1", "data");
  }
  EXPECT_EQ(h.state.counts.malformed, 12U);
  EXPECT_EQ(h.take_log().size(), 4U);
}

TEST(AgentSession, IgnoresMessagesForOtherNodes) {
  AgentHarness h;
  h.make_ready();
  wire::TasksMessage ask = h.welcome_message();
  ask.ask_status = true;
  h.message("bramble/test/node/pi02/tasks", wire::encode(ask));
}

TEST(AgentSession, PublishesReadingsWhileConnected) {
  AgentHarness h;
  h.tick();
  EXPECT_TRUE(std::exchange(h.read_sensors, false));
  Reading reading;
  reading.values = {{"load1", 0.5}};
  h.step([&](Effects& effects) { on_reading(h.state, effects, h.now, reading); });
  EXPECT_TRUE(h.publishes.empty());  // not connected
  h.connect_broker();
  h.step([&](Effects& effects) { on_reading(h.state, effects, h.now, reading); });
  const auto readings = h.take<wire::Telemetry>(NodeTopic::telemetry);
  ASSERT_EQ(readings.size(), 1U);
  EXPECT_EQ(readings[0].number, 2U);
  EXPECT_EQ(readings[0].wall_ms, h.now.wall.ms);
  EXPECT_EQ(readings[0].values.at("load1"), 0.5);
}

TEST(AgentSession, AnAggregatorOfAnotherVersionIsNamedOnceWithOurs) {
  AgentHarness agent;
  agent.make_ready();
  const wire::AggregatorStatus status{true, kStore, 1, "", "0.9.0"};
  for (int i = 0; i < 2; ++i) agent.message(agent.state.topics.aggregator_status(), wire::encode(status));
  const auto log = agent.take_log();
  ASSERT_EQ(log.size(), 1U);
  EXPECT_NE(log[0].find("0.9.0"), std::string::npos);
  EXPECT_NE(log[0].find("0.1.0"), std::string::npos);
}

}  // namespace
}  // namespace bramble::agent::testing
