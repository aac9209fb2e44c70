#include <nlohmann/json.hpp>

#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using wire::NodeTopic;

void say_goodbye(Harness& cluster, const std::string& node) {
  auto goodbye = Harness::identity(node);
  goodbye.online = false;
  goodbye.reason = "goodbye";
  cluster.say(node, NodeTopic::status, goodbye);
}

TEST(Nodes, AreOnOnlyAfterTheInventoryThatAnswersTheirWelcome) {
  Harness cluster;
  cluster.connect();
  cluster.say("pi1", NodeTopic::status, Harness::identity("pi1"));
  const auto message = cluster.take("pi1");
  ASSERT_TRUE(message.welcome);
  EXPECT_EQ(message.welcome->counter, 1U);
  EXPECT_EQ(cluster.node_state("pi1"), NodeState::joining);

  wire::Inventory inventory{kStore, message.session, message.welcome->nonce + 1, 0, 1, {}, {}, {}};
  cluster.say("pi1", NodeTopic::inventory, inventory);
  EXPECT_EQ(cluster.node_state("pi1"), NodeState::joining) << "an answer to another question counts for nothing";

  inventory.nonce = message.welcome->nonce;
  cluster.say("pi1", NodeTopic::inventory, inventory);
  EXPECT_EQ(cluster.node_state("pi1"), NodeState::on);
}

TEST(Nodes, EachConnectionIsGrantedAHigherSessionThatIsStoredFirst) {
  Harness cluster;
  cluster.connect();
  cluster.join("pi1");
  const SessionId first = cluster.session("pi1");
  auto again = Harness::identity("pi1");
  again.counter = 2;
  cluster.join(again);
  EXPECT_GT(cluster.session("pi1"), first);
  EXPECT_EQ(cluster.writes_of<PutSession>().back().session, cluster.session("pi1"));
}

TEST(Nodes, NewsOfWhatANodeCanEnforceNeedsNoNewSession) {
  Harness cluster;
  cluster.connect();
  cluster.join("pi1");
  JobSpec spec;
  spec.task.argv = {"work"};
  spec.task.isolate = wire::Isolation::sandbox;
  cluster.submit({0, 0, 1}, spec);
  const SessionId session = cluster.session("pi1");
  auto status = Harness::identity("pi1");
  status.session = session;
  status.containment.sandbox = true;
  status.revision = 1;
  cluster.say("pi1", NodeTopic::status, status);
  EXPECT_EQ(cluster.session("pi1"), session);
  EXPECT_TRUE(cluster.writes_of<PutNode>().back().node.status.containment.sandbox);
  const auto message = cluster.take("pi1");
  EXPECT_EQ(message.launch.size(), 1U) << "and what waited for it is placed";
  EXPECT_EQ(message.specs.begin()->second.isolate, wire::Isolation::sandbox);
}

TEST(Nodes, AStatusThatWasLostIsAskedForAtTheNextBeat) {
  Harness cluster;
  cluster.connect();
  cluster.join("pi1");
  const SessionId session = cluster.session("pi1");
  wire::Beat beat;
  beat.session = session;
  beat.revision = 1;
  cluster.say("pi1", NodeTopic::beat, beat);
  EXPECT_TRUE(cluster.take("pi1").ask_status);
  auto status = Harness::identity("pi1");
  status.session = session;
  status.containment.files = true;
  status.revision = 1;
  cluster.say("pi1", NodeTopic::status, status);
  cluster.say("pi1", NodeTopic::beat, beat);
  const auto message = cluster.take("pi1");
  EXPECT_TRUE(message.echo);
  EXPECT_FALSE(message.ask_status);
  EXPECT_EQ(cluster.session("pi1"), session) << "which is no reason for a new session";
}

TEST(Nodes, ALateBirthOfAnEarlierConnectionIsIgnored) {
  Harness cluster;
  cluster.connect();
  auto status = Harness::identity("pi1");
  status.counter = 5;
  cluster.join(status);
  const SessionId session = cluster.session("pi1");
  status.counter = 4;
  cluster.say("pi1", NodeTopic::status, status);
  EXPECT_EQ(cluster.session("pi1"), session);
}

TEST(Nodes, ALateWillDoesNotMarkARebornNode) {
  Harness cluster;
  cluster.connect();
  auto status = Harness::identity("pi1");
  status.counter = 2;
  cluster.join(status);
  wire::NodeStatus will;
  will.node = "pi1";
  will.agent_id = status.agent_id;
  will.machine_id = status.machine_id;
  will.boot_id = status.boot_id;
  will.counter = 1;
  will.reason = "goodbye";
  cluster.say("pi1", NodeTopic::status, will);
  EXPECT_EQ(cluster.node_state("pi1"), NodeState::on);
}

TEST(Nodes, AnAgentOfAnotherProtocolIsRefusedWithBothVersions) {
  for (const int protocol : {wire::kProtocolVersion - 1, wire::kProtocolVersion + 1}) {
    Config config;
    config.version = "0.1.0";
    Harness cluster({}, config);
    cluster.connect();
    auto status = Harness::identity("pi1");
    status.version = "0.9.0";
    status.protocol = protocol;
    cluster.say("pi1", NodeTopic::status, status);
    const auto message = cluster.take("pi1");
    ASSERT_TRUE(message.refusal);
    EXPECT_EQ(message.refusal->agent_id, status.agent_id);
    EXPECT_FALSE(message.welcome);
    for (const char* const words :
         {"0.9.0", "0.1.0", protocol < wire::kProtocolVersion ? "the agent" : "the aggregator"}) {
      EXPECT_NE(message.refusal->why.find(words), std::string::npos) << message.refusal->why;
    }
  }
}

TEST(Nodes, GoodbyeIsToldFromSilence) {
  Harness cluster;
  cluster.connect();
  cluster.join("pi1");
  say_goodbye(cluster, "pi1");
  EXPECT_EQ(cluster.node_state("pi1"), NodeState::stopped);
}

TEST(Nodes, HearTheirCalibrationAtOnceAndWithEachWelcome) {
  constexpr wire::PowerModel kPower{2.7, 6.4};
  Harness cluster;
  cluster.connect();
  cluster.join("pi1");
  cluster.join("pi2");
  cluster.ask(CalibrateRequest{{"pi1"}, kPower}, {"root", true});
  EXPECT_EQ(cluster.take_reply().http_status, 200);
  EXPECT_EQ(cluster.writes_of<PutNode>().back().node.power, kPower);
  EXPECT_FALSE(cluster.has_message("pi2"));
  const auto told = cluster.take("pi1");
  ASSERT_TRUE(told.welcome);
  EXPECT_EQ(told.welcome->power, kPower);
  cluster.pass(1000);
  cluster.say("pi1", NodeTopic::beat, wire::Beat{1, told.session, 0, {}, {}, {}, {}});
  EXPECT_EQ(cluster.take("pi1").welcome->power, kPower) << "one that is not answered is said again";
}

TEST(Nodes, ThatAreAwayHearTheirCalibrationWhenTheyCome) {
  constexpr wire::PowerModel kPower{2.7, 6.4};
  Harness cluster;
  cluster.connect();
  cluster.join("pi1");
  say_goodbye(cluster, "pi1");
  cluster.ask(CalibrateRequest{{"pi1"}, kPower}, {"root", true});
  EXPECT_EQ(cluster.take_reply().http_status, 200);
  EXPECT_FALSE(cluster.has_message("pi1"));
  auto again = Harness::identity("pi1");
  again.counter = 2;
  cluster.say("pi1", NodeTopic::status, again);
  EXPECT_EQ(cluster.take("pi1").welcome->power, kPower);
}

TEST(Nodes, ThatDoNotExistAreNotCalibratedAndNothingChanges) {
  Harness cluster;
  cluster.connect();
  cluster.join("pi1");
  cluster.ask(CalibrateRequest{{"pi1", "pi7"}, wire::PowerModel{1, 2}}, {"root", true});
  EXPECT_EQ(cluster.take_reply().http_status, 404);
  cluster.ask(CalibrateRequest{{"pi1"}, wire::PowerModel{1, 2}}, {"ada", false});
  EXPECT_EQ(cluster.take_reply().http_status, 403);
  EXPECT_FALSE(cluster.state().nodes[0].record.power);
}

TEST(Nodes, OfAnotherAggregatorHaveTheirNameAndAreNoDevice) {
  Harness cluster;
  cluster.state().config.home_assistant = "homeassistant";
  cluster.connect();
  auto foreign = Harness::identity("pi1");
  foreign.store = "0b5d6a1e-1111-4222-8333-444455556666";
  cluster.say("pi1", NodeTopic::status, foreign);
  wire::Telemetry reading;
  reading.values = {{"power_w", 3}};
  cluster.say("pi1", NodeTopic::telemetry, reading);
  ASSERT_EQ(cluster.state().nodes.size(), 1U);
  EXPECT_EQ(cluster.state().nodes[0].record.status.node, "pi1");
  EXPECT_TRUE(cluster.state().nodes[0].foreign);
  EXPECT_TRUE(cluster.state().nodes[0].announced.empty());
}

TEST(Nodes, ThatAreAwayTellNoReadings) {
  Harness cluster;
  cluster.connect();
  cluster.join("pi1");
  wire::Telemetry reading;
  reading.power_measured = true;
  reading.values = {{"power_w", 3}, {"temperature_celsius", 90}};
  reading.trouble = "power: it has not answered for 2 s";
  cluster.say("pi1", NodeTopic::telemetry, reading);
  const auto told = [&] { return nlohmann::json::parse(nodes_json(cluster.state(), cluster.now()))[0]; };
  EXPECT_EQ(told()["temperature_celsius"], 90);
  EXPECT_EQ(told()["sensor_trouble"], "power: it has not answered for 2 s");
  say_goodbye(cluster, "pi1");
  EXPECT_TRUE(told()["temperature_celsius"].is_null());
  EXPECT_FALSE(told()["power_measured"]);
  EXPECT_EQ(told()["sensor_trouble"], "");
}

TEST(Nodes, ThatCallThemselvesOtherwiseThanTheirTopicAreNotHeard) {
  Harness cluster;
  cluster.connect();
  cluster.join("pi1");
  const SessionId session = cluster.session("pi1");
  auto other = Harness::identity("pi2");
  other.counter = 9;
  cluster.say("pi1", NodeTopic::status, other);
  EXPECT_EQ(cluster.session("pi1"), session);
  EXPECT_EQ(cluster.state().nodes.size(), 1U);
  EXPECT_EQ(cluster.state().malformed_messages, 1U);
}

TEST(Nodes, AreSilentAfterThreeSecondsAndLostAfterFive) {
  Harness cluster;
  cluster.connect();
  cluster.pass(3000);
  cluster.join("pi1");
  cluster.pass(3000);
  EXPECT_EQ(cluster.node_state("pi1"), NodeState::on);
  cluster.pass(100);
  EXPECT_EQ(cluster.node_state("pi1"), NodeState::silent);
  cluster.pass(2000);
  EXPECT_EQ(cluster.node_state("pi1"), NodeState::lost);
}

TEST(Nodes, SilenceDuringAStallOfTheAggregatorDoesNotCount) {
  Harness cluster;
  cluster.connect();
  cluster.pass(3000);
  cluster.join("pi1");
  cluster.stall(20'000);
  EXPECT_EQ(cluster.node_state("pi1"), NodeState::on);
  cluster.pass(3000);
  EXPECT_EQ(cluster.node_state("pi1"), NodeState::on) << "every node has a grace after a stall";
}

TEST(Nodes, SilenceWhileTheBrokerWasAwayDoesNotCount) {
  Harness cluster;
  cluster.connect();
  cluster.pass(3000);
  cluster.join("pi1");
  cluster.step([&](Effects& effects) { on_disconnected(cluster.state(), effects, cluster.now(), "broker gone"); });
  cluster.pass(60'000);
  EXPECT_EQ(cluster.node_state("pi1"), NodeState::on);
  cluster.connect();
  cluster.pass(5000);
  EXPECT_EQ(cluster.node_state("pi1"), NodeState::on);
  cluster.pass(6000);
  EXPECT_EQ(cluster.node_state("pi1"), NodeState::lost) << "and after the grace it does";
}

TEST(Nodes, ABeatOfAnOldSessionIsAnsweredByANewWelcome) {
  Harness cluster;
  cluster.connect();
  cluster.join("pi1");
  cluster.pass(5000);
  wire::Beat beat;
  beat.number = 1;
  beat.session = 99;
  cluster.say("pi1", NodeTopic::beat, beat);
  EXPECT_TRUE(cluster.take("pi1").welcome);
}

TEST(Nodes, ABeatOfAnUnknownNodeIsAskedWhoItIs) {
  Harness cluster;
  cluster.connect();
  wire::Beat beat;
  beat.number = 1;
  cluster.say("pi9", NodeTopic::beat, beat);
  const auto message = cluster.take("pi9");
  EXPECT_TRUE(message.ask_status);
  EXPECT_FALSE(message.welcome);
}

TEST(Nodes, TheEchoOfABeatCarriesWhatTheBeatSaid) {
  Harness cluster;
  cluster.connect();
  cluster.join("pi1");
  wire::Beat beat;
  beat.number = 7;
  beat.session = cluster.session("pi1");
  beat.sent_ms = 4711;
  cluster.say("pi1", NodeTopic::beat, beat);
  const auto message = cluster.take("pi1");
  ASSERT_TRUE(message.echo);
  EXPECT_EQ(message.echo->number, 7U);
  EXPECT_EQ(message.echo->sent_ms, 4711);
}

TEST(Nodes, ASecondAgentWithTheNameOfALiveOneIsRefusedWithBothNamed) {
  Harness cluster;
  cluster.connect();
  cluster.join("pi1");
  const SessionId session = cluster.session("pi1");
  auto clone = Harness::identity("pi1");
  clone.agent_id = "99999999-0000-4000-8000-000000000009";
  clone.machine_id = "machine-clone";
  cluster.say("pi1", NodeTopic::status, clone);
  const auto message = cluster.take("pi1");
  ASSERT_TRUE(message.refusal);
  EXPECT_EQ(message.refusal->agent_id, clone.agent_id);
  EXPECT_NE(message.refusal->why.find("machine-clone"), std::string::npos);
  EXPECT_NE(message.refusal->why.find("machine-pi1"), std::string::npos);
  EXPECT_EQ(cluster.session("pi1"), session);
}

TEST(Nodes, AMalformedMessageIsCountedNamedOnceAndDropped) {
  Harness cluster;
  cluster.connect();
  cluster.join("pi1");
  const std::string topic = cluster.state().topics.node("pi1", NodeTopic::beat);
  cluster.take_warnings();
  cluster.bytes(topic, "\xff\xfe not json");
  cluster.bytes(topic, "[1,2,3]");
  EXPECT_EQ(cluster.state().malformed_messages, 2U);
  EXPECT_EQ(cluster.take_warnings().size(), 1U);
  EXPECT_EQ(cluster.node_state("pi1"), NodeState::on);
}

TEST(Nodes, TheBrokerIsAskedForAgainWithAGrowingPause) {
  Harness cluster;
  cluster.pass(100);
  ASSERT_TRUE(cluster.take_connect());
  int attempts = 0;
  int first_wait_ms = 0;
  int last_wait_ms = 0;
  for (int i = 0; i < 20; ++i) {
    cluster.step([&](Effects& effects) { on_disconnected(cluster.state(), effects, cluster.now(), "refused"); });
    for (int waited = 0; waited <= 6000; waited += 100) {
      cluster.pass(100);
      if (!cluster.take_connect()) continue;
      ++attempts;
      first_wait_ms = i == 0 ? waited : first_wait_ms;
      last_wait_ms = waited;
      break;
    }
  }
  EXPECT_EQ(attempts, 20);
  EXPECT_LE(first_wait_ms, 200);
  EXPECT_GE(last_wait_ms, 4000);
  EXPECT_EQ(cluster.take_warnings().size(), 1U) << "said once";
}

}  // namespace
}  // namespace bramble::aggregator::test
