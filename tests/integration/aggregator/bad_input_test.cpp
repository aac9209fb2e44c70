// Foreign messages, a full disk, two nodes of one name.
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "fixture.hpp"
#include "support/foreign_client.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;

class AggregatorAndNode : public AggregatorTest {
 protected:
  void start() {
    aggregator_.start();
    node_.emplace(dir_ / "node", "pi01", broker_.url());
    wait_for_node("pi01", "on");
  }
  void expect_alive() const {
    const Ran ran = bramble({"run", "--", "echo", "alive"});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(ran.out, "alive\n");
  }

  Mosquitto broker_{{.defaults = true}};
  AggregatorProcess aggregator_{dir_.path(), config(dir_ / "state", broker_.url())};
  std::optional<NodeProcesses> node_;
};

TEST_F(AggregatorAndNode, GoOnAfterGarbageAndWrongShapesOnEveryTopic) {
  start();
  std::vector<ForeignMessage> messages;
  for (const std::string& payload :
       {std::string("\xff\x00{", 3), std::string("[]"), std::string("{}"), std::string("{\"session\":-1}"),
        std::string(R"({"store":5,"events":{"a":[]}})"), std::string(900'000, '['), std::string()}) {
    for (const char* const topic :
         {"node/pi01/status", "node/pi01/beat", "node/pi01/telemetry", "node/pi01/events", "node/pi01/inventory",
          "node/pi01/tasks", "node/pi01/blob/get", "node/pi01/blob/have", "node/pi01/blob/up/0/0/0",
          "node/stranger/beat", "aggregator/status"}) {
      messages.push_back({std::string("bramble/bramble/") + topic, payload});
    }
  }
  publish_foreign(broker_.url(), std::move(messages));
  expect_alive();
  EXPECT_EQ(aggregator_.times_logged("malformed message on bramble/bramble/node/pi01/beat"), 1U) << aggregator_.log();
}

TEST_F(AggregatorAndNode, GoOnAfterMessagesOf100MillionBytes) {
  start();
  expect_alive();
  std::ofstream(dir_ / "large", std::ios::binary) << std::string(100'000'000, 'x');
  for (const std::string topic : {"node/pi01/events", "node/pi01/tasks"}) {
    auto publisher = posix::Process::spawn({.argv = {"mosquitto_pub", "-p", std::to_string(broker_.port()), "-V", "5",
                                                     "-q", "1", "-t", "bramble/bramble/" + topic, "-f", dir_ / "large"},
                                            .env = {},
                                            .directory = {}});
    ASSERT_TRUE(publisher) << publisher.error().message;
    ASSERT_EQ(publisher->wait(60'000).value_or(posix::ExitStatus{-1, 0}), posix::ExitStatus{});
  }
  expect_alive();
  const size_t peak_bytes = aggregator_.peak_memory_bytes();
  const size_t agent_peak_bytes = node_->agent.peak_memory_bytes();
  std::printf("peak memory: aggregator %zu KiB, agent %zu KiB\n", peak_bytes >> 10, agent_peak_bytes >> 10);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(peak_bytes, size_t{64} << 20);
  EXPECT_LT(agent_peak_bytes, size_t{64} << 20);
#endif
}

TEST_F(AggregatorAndNode, ASecondAgentOfTheSameNameIsRefusedWithBothNamed) {
  start();
  NodeProcesses second(dir_ / "second", "pi01", broker_.url());
  second.agent.wait_logged("the name pi01 is taken by agent");
  aggregator_.wait_logged("pi01");
  expect_alive();
  EXPECT_EQ(node_->agent.times_logged("is taken"), 0U) << "the first one stays";
}

class AggregatorOnASmallDisk : public AggregatorTest {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(state_);
    mounted_ = ::mount("tmpfs", state_.c_str(), "tmpfs", 0, "size=4m") == 0;
    if (!mounted_) GTEST_SKIP() << "mounting a small tmpfs is not permitted: " << std::strerror(errno);
  }
  void TearDown() override {
    if (mounted_) ::umount2(state_.c_str(), MNT_DETACH);
  }
  void fill() const {
    std::ofstream file(state_ + "/ballast", std::ios::app | std::ios::binary);
    const std::string block(4096, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void make_room() const { std::filesystem::remove(state_ + "/ballast"); }

  const std::string state_ = dir_ / "state";
  bool mounted_ = false;
};

TEST_F(AggregatorOnASmallDisk, TakesNothingSaysSoAndGoesOnWhenThereIsRoom) {
  const Mosquitto broker;
  AggregatorProcess aggregator(dir_.path(), config(state_, broker.url()));
  aggregator.start();
  NodeProcesses node(dir_ / "node", "pi01", broker.url());
  wait_for_node("pi01", "on");
  const std::string script = "echo begun; while [ ! -e " + (dir_ / "go") + " ]; do sleep 0.05; done; echo ended";
  BrambleProcess running(url(), {"run", "--", "sh", "-c", script});
  ASSERT_TRUE(running.wait_for_out("begun"));
  fill();
  BrambleProcess held(url(), {"submit", "--", "echo", "held"});
  aggregator.wait_logged("nothing is taken until it can");
  const Ran refused = bramble({"submit", "--give-up", "0s", "--", "true"});
  EXPECT_NE(refused.status, 0);
  EXPECT_FALSE(refused.out.find_first_of("0123456789") != std::string::npos) << "no number without a row";
  ASSERT_TRUE(posix::write_file_atomically(dir_ / "go", ""));
  make_room();
  aggregator.wait_logged("the job database is written again");
  EXPECT_EQ(running.wait(), 0) << running.err();
  EXPECT_EQ(running.out(), "begun\nended\n");
  EXPECT_EQ(aggregator.times_logged("nothing is taken until it can"), 1U);
  EXPECT_EQ(held.wait(), 0) << held.err();
  EXPECT_EQ(held.out(), "2\n") << "taken when there was room, and once";
  EXPECT_EQ(bramble({"job", "wait", "2"}).status, 0);
  EXPECT_EQ(bramble({"job", "cat", "2"}).out, "held\n");
}

TEST_F(AggregatorOnASmallDisk, EndedWhileTheDiskIsFullItForgetsNoResult) {
  const Mosquitto broker;
  AggregatorProcess aggregator(dir_.path(), config(state_, broker.url()));
  aggregator.start();
  NodeProcesses node(dir_ / "node", "pi01", broker.url());
  wait_for_node("pi01", "on");
  const std::string script = "while [ ! -e " + (dir_ / "go") + " ]; do sleep 0.05; done; echo ended";
  ASSERT_EQ(bramble({"submit", "--", "sh", "-c", script}).status, 0);
  while (bramble({"job", "list", "--json"}).out.find("\"running\":1") == std::string::npos) {
  }
  fill();
  ASSERT_TRUE(posix::write_file_atomically(dir_ / "go", ""));
  aggregator.wait_logged("nothing is taken until it can");
  EXPECT_TRUE(aggregator.stop().success()) << aggregator.log();
  make_room();
  aggregator.start();
  aggregator.wait_logged("the aggregator is up", 2);
  EXPECT_EQ(bramble({"job", "wait", "1"}).status, 0);
  EXPECT_EQ(bramble({"job", "cat", "1"}).out, "ended\n");
  EXPECT_THAT(bramble({"job", "info", "1", "--json"}).out, HasSubstr("\"attempts\":1"));
}

}  // namespace
}  // namespace bramble::test
