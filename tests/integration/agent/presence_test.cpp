#include "fixture.hpp"

namespace bramble::test {
namespace {

using wire::NodeTopic;

TEST_F(AgentTest, IsBornBeatsAndLeavesAWillWhenItIsTornAway) {
  agent_.start();
  const auto birth = aggregator_.wait_status(true);
  EXPECT_EQ(birth.cores, 2U);
  EXPECT_GT(birth.memory_bytes, 0U);
  EXPECT_FALSE(birth.arch.empty());
  const auto first = aggregator_.wait<wire::Beat>(NodeTopic::beat);
  const auto second = aggregator_.wait<wire::Beat>(NodeTopic::beat);
  EXPECT_EQ(second.number, first.number + 1);
  EXPECT_GT(second.sent_ms, first.sent_ms);

  agent_.kill();
  const auto will = aggregator_.wait_status(false);
  EXPECT_EQ(will.reason, "will");
  EXPECT_EQ(will.counter, birth.counter);
  EXPECT_EQ(will.boot_id, birth.boot_id);

  agent_.start();
  const auto again = aggregator_.wait_status(true);
  EXPECT_EQ(again.agent_id, birth.agent_id);
  EXPECT_GT(again.counter, birth.counter);
}

TEST_F(AgentTest, SaysGoodbyeWhenItIsStopped) {
  join();
  EXPECT_TRUE(agent_.stop().success());
  EXPECT_EQ(aggregator_.wait_status(false).reason, "goodbye");
}

TEST_F(AgentTest, PublishesReadingsOfThisMachine) {
  join();
  aggregator_.wait<wire::Telemetry>(NodeTopic::telemetry, [](const wire::Telemetry& reading) {
    return reading.values.contains("load1") && reading.values.contains("power_w") &&
           reading.values.contains("energy_j") && reading.values.at("memory_total_bytes") > 0 &&
           reading.values.contains("disk_free_bytes");
  });
}

TEST_F(AgentTest, WaitsForABrokerThatIsDownAndSaysSoOnce) {
  broker_.kill();
  aggregator_.wait_disconnected();
  agent_.start();
  agent_.wait_logged("no connection to the broker");
  broker_.start();
  aggregator_.connect();
  aggregator_.wait_status(true);
  EXPECT_EQ(agent_.times_logged("no connection to the broker"), 1U) << agent_.log();
  agent_.wait_logged("connected to the broker again");
}

TEST_F(AgentTest, ComesBackAfterTheBrokerWasRestarted) {
  join();
  aggregator_.launch({1, 0, 1}, "while [ ! -e " + dir_ / "go" + " ]; do sleep 0.05; done; echo done");
  aggregator_.wait_event(wire::EventType::started, {1, 0, 1});
  broker_.kill();
  aggregator_.wait_disconnected();
  broker_.start();
  aggregator_.connect();
  // The first birth may have come twice: as it was sent, and as what the broker had kept.
  const auto birth = aggregator_.wait<wire::NodeStatus>(
      NodeTopic::status, [&](const wire::NodeStatus& status) { return status.counter > birth_.counter; });
  const auto inventory = aggregator_.welcome(birth);
  EXPECT_EQ(inventory.running, std::vector<AttemptKey>({{1, 0, 1}}));
  ASSERT_TRUE(posix::write_file_atomically(dir_ / "go", ""));
  const auto finished = aggregator_.wait_event(wire::EventType::finished, {1, 0, 1});
  EXPECT_EQ(finished.finished->out.data, "done\n");
}

TEST_F(AgentTest, GivesWayToTheAgentThatHasItsName) {
  join();
  AgentProcess second(dir_ / "second", config("second/state"));
  second.start();
  const auto rival = aggregator_.wait<wire::NodeStatus>(
      NodeTopic::status, [&](const wire::NodeStatus& status) { return status.agent_id != birth_.agent_id; });
  wire::TasksMessage refusal;
  refusal.refusal = wire::Refusal{rival.agent_id, "the name pi01 is taken by agent " + birth_.agent_id};
  aggregator_.send(refusal);
  second.wait_logged("the name pi01 is taken by agent " + birth_.agent_id);
  const auto restored = aggregator_.wait_status(true);
  EXPECT_EQ(restored.agent_id, birth_.agent_id);
  EXPECT_TRUE(second.stop().success());
  aggregator_.wait<wire::Beat>(NodeTopic::beat, [](const wire::Beat& beat) { return beat.session == 1; });
}

}  // namespace
}  // namespace bramble::test
