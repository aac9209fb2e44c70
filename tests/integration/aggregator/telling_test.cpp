// How people's own tools are told: Home Assistant's discovery, alerts, monitors.
#include <sys/stat.h>

#include <fstream>

#include "fixture.hpp"

namespace bramble::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Telling : public AggregatorTest {
 protected:
  void start(const std::string& more) {
    aggregator_.emplace(dir_.path(), config(dir_ / "state", broker_.url(), more));
    aggregator_->start();
    node_.emplace(dir_ / "node", "pi01", broker_.url());
    wait_for_node("pi01", "on");
  }

  // The first message that any subscriber gets on the topic: "TOPIC PAYLOAD".
  std::string message_on(const std::string& topic) const {
    const std::string out = dir_ / "message";
    auto process = posix::Process::spawn({.argv = {"/bin/sh", "-c",
                                                   "mosquitto_sub -p " + std::to_string(broker_.port()) +
                                                       " -V 5 -C 1 -W 30 -F '%t %p' -t '" + topic + "' >" + out},
                                          .env = {},
                                          .directory = {}});
    if (!process) return process.error().message;
    process->wait(40'000);
    return posix::read_file(out, 1 << 20).value_or("");
  }

  std::string written_by_command(const std::string& path) const {
    for (int i = 0; i < 600; ++i) {
      const std::string text = posix::read_file(path, 1 << 20).value_or("");
      if (!text.empty()) return text;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // a file tells nobody that it was written
    }
    return {};
  }

  std::string program(const std::string& name, const std::string& text) {
    const std::string path = dir_ / name;
    std::ofstream(path) << "#!/bin/sh\n" << text;
    ::chmod(path.c_str(), 0755);
    return path;
  }

  Mosquitto broker_{{.defaults = true}};
  std::optional<AggregatorProcess> aggregator_;
  std::optional<NodeProcesses> node_;
};

TEST_F(Telling, HomeAssistantFindsANodeAsADevice) {
  start("home_assistant = \"homeassistant\"\n");
  const std::string message = message_on("homeassistant/device/+/config");
  const size_t space = message.find(' ');
  ASSERT_NE(space, std::string::npos) << message;
  EXPECT_EQ(message.substr(0, space), "homeassistant/device/bramble_bramble_pi01/config");
  const json payload = json::parse(message.substr(space + 1));
  EXPECT_EQ(payload["device"]["name"], "pi01");
  EXPECT_TRUE(payload["components"].contains("load1")) << payload;
  EXPECT_EQ(payload["state_topic"], "bramble/bramble/node/pi01/telemetry");
}

TEST_F(Telling, AnAlertIsRetainedAndRunsTheCommand) {
  const std::string command =
      program("notify", "echo \"$BRAMBLE_ALERT $BRAMBLE_ALERT_NODE $BRAMBLE_ALERT_STATE\" >" + dir_ / "told.tmp" +
                            " && mv " + dir_ / "told.tmp" + " " + dir_ / "told" + "\n");
  start("alert_command = \"" + command + "\"\n[[alert]]\nname = \"loaded\"\nmetric = \"load1\"\nabove = -1\n");
  const std::string message = message_on("bramble/bramble/alert/#");
  EXPECT_THAT(message, HasSubstr("bramble/bramble/alert/loaded/pi01 {"));
  EXPECT_THAT(message, HasSubstr("\"state\":\"raised\""));
  EXPECT_EQ(written_by_command(dir_ / "told"), "loaded pi01 raised\n");
}

TEST_F(Telling, ACalibratedNodeReckonsWithItAtOnceAndAfterBothStartAgain) {
  start("");
  const Ran ran = bramble({"node", "calibrate", "pi01", "--idle-w", "123", "--busy-w", "123"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  wait_for_node("pi01", "power_w", 123.0);
  node_->agent.kill();
  aggregator_->kill();
  aggregator_->start();
  node_->agent.start();
  wait_for_node("pi01", "power_w", 123.0);
  wait_for_node("pi01", "calibrated_busy_w", 123.0);
}

TEST_F(Telling, ACheckOfAGoodClusterIsOk) {
  start("");
  const Ran ran = bramble({"check", "--disk", "none"});
  EXPECT_EQ(ran.status, 0) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("BRAMBLE OK - 1 nodes on"));
}

TEST_F(Telling, ACheckWithoutAnAggregatorIsCriticalAndAWrongOneUnknown) {
  const Ran down = bramble({"check"});
  EXPECT_EQ(down.status, 2);
  EXPECT_THAT(down.out, HasSubstr("BRAMBLE CRITICAL - cannot reach the aggregator"));
  const Ran wrong = bramble({"check", "--temprature"});
  EXPECT_EQ(wrong.status, 3);
  EXPECT_THAT(wrong.out, HasSubstr("did you mean '--temperature'?"));
}

class AlertRules : public AggregatorTest {
 protected:
  std::string complaint(const std::string& rule) {
    AggregatorProcess aggregator(dir_.path(), config(dir_ / "state", "tcp://127.0.0.1:1", "[[alert]]\n" + rule));
    aggregator.start();
    EXPECT_EQ(aggregator.wait_for_end().code, 1);
    return aggregator.log();
  }
};

TEST_F(AlertRules, ThatCannotWorkAreRefusedWithTheirLine) {
  EXPECT_THAT(complaint("name = \"a\"\nmetric = \"load1\"\n"), HasSubstr("one of above = NUMBER and below = NUMBER"));
  EXPECT_THAT(complaint("name = \"a\"\nmetric = \"load1\"\nabove = 1\nclear = 2\n"),
              HasSubstr("clear must not be above"));
  EXPECT_THAT(complaint("name = \"a b\"\nmetric = \"load1\"\nabove = 1\n"), HasSubstr("an alert needs a name"));
  EXPECT_THAT(complaint("name = \"a\"\nabove = 1\n"), HasSubstr("an alert needs a metric"));
  EXPECT_THAT(complaint("name = \"a\"\nmetric = \"load1\"\nabove = 1\nclera = 1\n"),
              HasSubstr("did you mean 'clear'?"));
  EXPECT_THAT(complaint("name = \"a\"\nmetric = \"load1\"\nabove = 1\nclera = 1\n"), HasSubstr("config.toml:8"));
  EXPECT_THAT(complaint("name = \"a\"\nmetric = \"load1\"\nabove = 1\nnodes = \"@x\"\n"), HasSubstr("nodes: "));
}

}  // namespace
}  // namespace bramble::test
