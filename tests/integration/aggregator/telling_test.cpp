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
    return subscribed("-C 1 -W 30 -F '%t %p' -t '" + topic + "'");
  }

  std::string subscribed(const std::string& options) const {
    const std::string out = dir_ / "message";
    auto process = posix::Process::spawn(
        {.argv = {"/bin/sh", "-c",
                  "mosquitto_sub -p " + std::to_string(broker_.port()) + " -V 5 " + options + " >" + out},
         .env = {},
         .directory = {}});
    if (!process) return process.error().message;
    process->wait(40'000);
    return posix::read_file(out, 1 << 20).value_or("");
  }

  // The topics that are retained, "one\ntwo\n"; it is waited until there is none. The broker's own version comes last
  // and says that all came.
  std::string retained_until_none(const std::string& topics) const {
    std::string seen;
    for (int i = 0; i < 100; ++i) {
      seen = subscribed("--retained-only -W 1 -F %t " + topics + " -t '$SYS/broker/version'");
      if (seen == "$SYS/broker/version\n") return {};
    }
    return seen;
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

TEST_F(Telling, WhatIsNotConfiguredAnyMoreIsClearedAtTheBroker) {
  start("home_assistant = \"homeassistant\"\n[[alert]]\nname = \"loaded\"\nmetric = \"load1\"\nabove = -1\n");
  ASSERT_NE(message_on("homeassistant/device/+/config"), "");
  ASSERT_NE(message_on("bramble/bramble/alert/#"), "");
  aggregator_->kill();
  aggregator_.emplace(dir_.path(), config(dir_ / "state", broker_.url()));
  aggregator_->start();
  wait_for_node("pi01", "on");
  EXPECT_EQ(retained_until_none("-t 'homeassistant/#' -t 'bramble/bramble/alert/#'"), "");
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
  EXPECT_THAT(ran.out, HasSubstr("BRAMBLE OK - 1 node on"));
}

TEST_F(Telling, ACheckWithoutAnAggregatorIsCriticalAndAWrongOneUnknown) {
  const Ran down = bramble({"check"});
  EXPECT_EQ(down.status, 2);
  EXPECT_THAT(down.out, HasSubstr("BRAMBLE CRITICAL - cannot reach the aggregator"));
  const Ran wrong = bramble({"check", "--temprature"});
  EXPECT_EQ(wrong.status, 3);
  EXPECT_THAT(wrong.out, HasSubstr("did you mean '--temperature'?"));
}

TEST_F(Telling, AnAlertMayBeOfASensorThatBrambleDoesNotKnow) {
  start("[[alert]]\nname = \"dry\"\nmetric = \"soil_ratio\"\nown_sensor = true\nbelow = 0.2\n");
}

class AlertRules : public AggregatorTest {
 protected:
  std::string complaint(const std::string& rule, const std::string& before = "") {
    AggregatorProcess aggregator(dir_.path(),
                                 config(dir_ / "state", "tcp://127.0.0.1:1", before + "[[alert]]\n" + rule));
    aggregator.start();
    EXPECT_EQ(aggregator.wait_for_end().code, 1);
    return aggregator.log();
  }
};

TEST_F(AlertRules, WithACommandThatCannotBeRunAreRefused) {
  const std::string rule = "name = \"a\"\nmetric = \"load1\"\nabove = 1\n";
  EXPECT_THAT(complaint(rule, "alert_command = \"/no/such\"\n"), HasSubstr("there is no alert_command /no/such"));
  for (const char* const bad : {"/etc/passwd", "/etc"}) {
    EXPECT_THAT(complaint(rule, std::string("alert_command = \"") + bad + "\"\n"), HasSubstr("cannot be run"));
  }
}

TEST_F(AlertRules, ThatCannotWorkAreRefusedWithTheirLine) {
  EXPECT_THAT(complaint("name = \"a\"\nmetric = \"load1\"\n"), HasSubstr("one of above = NUMBER and below = NUMBER"));
  EXPECT_THAT(complaint("name = \"a\"\nmetric = \"load1\"\nabove = 1\nclear = 2\n"),
              HasSubstr("clear must not be above"));
  EXPECT_THAT(complaint("name = \"a b\"\nmetric = \"load1\"\nabove = 1\n"), HasSubstr("an alert needs a name"));
  EXPECT_THAT(complaint("name = \"a\"\nabove = 1\n"), HasSubstr("an alert needs a metric"));
  EXPECT_THAT(complaint("name = \"a\"\nmetrc = \"load1\"\nabove = 1\n"), HasSubstr("did you mean 'metric'?"));
  EXPECT_THAT(complaint("name = \"a\"\nmetric = \"temprature_celsius\"\nabove = 1\n"),
              HasSubstr("unknown metric 'temprature_celsius'; did you mean 'temperature_celsius'?"));
  EXPECT_THAT(complaint("name = \"a\"\nmetric = \"load1\"\nabove = 1\nclera = 1\n"),
              HasSubstr("did you mean 'clear'?"));
  EXPECT_THAT(complaint("name = \"a\"\nmetric = \"load1\"\nabove = 1\nclera = 1\n"), HasSubstr("config.toml:8"));
  EXPECT_THAT(complaint("name = \"a\"\nmetric = \"load1\"\nabove = 1\nnodes = \"@x\"\n"), HasSubstr("nodes: "));
}

}  // namespace
}  // namespace bramble::test
