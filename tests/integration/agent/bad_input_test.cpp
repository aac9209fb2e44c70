#include "fixture.hpp"
#include "support/foreign_client.hpp"

namespace bramble::test {
namespace {

using wire::NodeTopic;

TEST_F(AgentTest, GoesOnAfterGarbageOnEveryTopicItHears) {
  join();
  for (const std::string& payload : {std::string("\xff\x00{", 3), std::string("[]"), std::string("{\"session\":-1}"),
                                     std::string(900'000, '['), std::string()}) {
    for (const char* const topic : {"node/pi01/tasks", "node/pi01/blob/want", "node/pi01/control", "aggregator/status",
                                    "node/pi01/blob/down/zzz/0", "node/pi01/blob/down/0/0/0"}) {
      aggregator_.publish(std::string("bramble/bramble/") + topic, payload);
    }
  }
  aggregator_.launch({1, 0, 1}, "echo alive");
  EXPECT_EQ(aggregator_.wait_event(wire::EventType::finished, {1, 0, 1}).finished->out.data, "alive\n");
  EXPECT_EQ(agent_.times_logged("malformed message (tasks)"), 1U) << agent_.log();
  EXPECT_EQ(agent_.times_logged("malformed message (control)"), 1U) << agent_.log();
}

TEST_F(AgentTest, GoesOnAfterAMessageOf100MillionBytes) {
  join();
  publish_foreign(broker_.url(), {{"bramble/bramble/node/pi01/tasks", std::string(100'000'000, 'x')}});
  aggregator_.launch({1, 0, 1}, "echo alive");
  EXPECT_EQ(aggregator_.wait_event(wire::EventType::finished, {1, 0, 1}).finished->out.data, "alive\n");
  const size_t peak_bytes = agent_.peak_memory_bytes();
  RecordProperty("peak_memory_bytes", std::to_string(peak_bytes));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(peak_bytes, size_t{64} << 20);
#endif
}

class AgentConfigTest : public testing::Test {
 protected:
  // What the agent says about this configuration before it gives up.
  std::string complaint(const std::string& config) {
    AgentProcess agent(dir_.path(), config);
    agent.start();
    EXPECT_EQ(agent.wait_for_end().code, 1);
    return agent.log();
  }

  TempDir dir_;
};

TEST_F(AgentConfigTest, NamesTheNearestKnownKeyAndTheLine) {
  const std::string said = complaint("node = \"pi01\"\nbroker_uri = \"tcp://x:1\"\n");
  EXPECT_NE(said.find("broker_uri"), std::string::npos) << said;
  EXPECT_NE(said.find("broker_url"), std::string::npos) << said;
  EXPECT_NE(said.find(":2"), std::string::npos) << said;
}

TEST_F(AgentConfigTest, RejectsAValueOfTheWrongType) {
  const std::string said = complaint("node = \"pi01\"\nslots = \"two\"\n");
  EXPECT_NE(said.find("slots"), std::string::npos) << said;
  EXPECT_NE(said.find(":2"), std::string::npos) << said;
}

TEST_F(AgentConfigTest, RejectsABrokerUrlThatCouldNeverWork) {
  const std::string said = complaint("node = \"pi01\"\nbroker_url = \"head.local:1883\"\n");
  EXPECT_NE(said.find("'head.local:1883' is not of the form tcp://HOST:PORT"), std::string::npos) << said;
}

TEST_F(AgentConfigTest, RejectsANameThatIsNoTopicLevel) {
  const std::string said = complaint("node = \"pi/01\"\n");
  EXPECT_NE(said.find("node is 'pi/01'"), std::string::npos) << said;
}

TEST_F(AgentConfigTest, SaysWhichFileIsMissing) {
  const std::string said = complaint("machine_id = \"m\"\nbroker_password_file = \"/nonexistent/password\"\n");
  EXPECT_NE(said.find("/nonexistent/password"), std::string::npos) << said;
}

TEST_F(AgentConfigTest, SaysThatItsStateIsDamaged) {
  std::filesystem::create_directory(dir_ / "state");
  ASSERT_TRUE(posix::write_file_atomically(dir_ / "state/agent.state", "nonsense"));
  const std::string said =
      complaint("broker_url = \"tcp://127.0.0.1:1\"\nmachine_id = \"m\"\nstate_dir = \"" + dir_ / "state" + "\"\n");
  EXPECT_NE(said.find("agent.state: it is damaged: remove it"), std::string::npos) << said;
}

TEST_F(AgentTest, RefusesAStateDirectoryThatAnotherAgentUses) {
  join();
  AgentProcess second(dir_ / "second", config("agent/state"));
  second.start();
  EXPECT_EQ(second.wait_for_end().code, 1);
  EXPECT_NE(second.log().find("another agent uses " + dir_ / "agent/state"), std::string::npos) << second.log();
}

}  // namespace
}  // namespace bramble::test
