// Many messages, and messages that are too large, against a real broker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

#include "integration/mqtt/fake_broker.hpp"
#include "integration/mqtt/test_client.hpp"
#include "support/mosquitto.hpp"

extern char** environ;

namespace bramble::test {
namespace {

using Clock = std::chrono::steady_clock;

// Publishes count numbered messages, again and again while the buffer is full; returns how often it was.
size_t publish_numbered(TestClient& client, size_t count, int qos, size_t size = 100) {
  size_t full = 0;
  for (size_t i = 0; i < count; ++i) {
    std::string payload = std::to_string(i);
    payload.resize(size, ' ');
    while (true) {
      const Status status = client.transport().publish({.topic = "n", .payload = payload, .qos = qos});
      if (status) break;
      if (status.error().code != ErrorCode::unavailable || !client.transport().connected()) {
        ADD_FAILURE() << status.error().message;
        return full;
      }
      ++full;
      std::this_thread::sleep_for(std::chrono::microseconds(200));  // the caller's back-off
    }
  }
  return full;
}

void expect_in_order(const std::vector<Received>& received, size_t count) {
  ASSERT_EQ(received.size(), count);
  for (size_t i = 0; i < count; ++i) ASSERT_EQ(std::stoul(received[i].payload), i);
}

void send_all(const Mosquitto& broker, const std::string& what, size_t count, int qos) {
  TestClient subscriber(broker.url(), "sub", {{"n", qos}});
  TestClient publisher(broker.url(), "pub");
  ASSERT_TRUE(subscriber.connect());
  ASSERT_TRUE(publisher.connect());
  const auto start = Clock::now();
  const size_t full = publish_numbered(publisher, count, qos);
  ASSERT_TRUE(subscriber.wait_messages(count));
  const std::chrono::duration<double> took = Clock::now() - start;
  std::printf("%s: %.0f messages a second, end to end; the buffer was full %zu times\n", what.c_str(),
              static_cast<double>(count) / took.count(), full);
  expect_in_order(subscriber.received(), count);
}

TEST(PahoFlow, LosesNothingWithABrokerOfDefaultReceiveMaximum) {
  const Mosquitto broker({.defaults = true, .extra_lines = {"max_queued_messages 0"}});
  send_all(broker, "QoS 1, default Receive Maximum", 5000, 1);
}

TEST(PahoFlow, LosesNothingWithOurBrokerSettings) {
  const Mosquitto broker;
  send_all(broker, "QoS 1, our settings", 20'000, 1);
  send_all(broker, "QoS 0, our settings", 20'000, 0);
}

TEST(PahoFlow, RefusesMessagesWhenTheBufferIsFullAndDeliversWhatItAccepted) {
  const Mosquitto broker;
  TestClient subscriber(broker.url(), "sub", {{"n", 1}});
  TestClient publisher(broker.url(), "pub", {}, [](mqtt::Options& options) { options.max_buffered_messages = 500; });
  ASSERT_TRUE(subscriber.connect());
  ASSERT_TRUE(publisher.connect());
  ::kill(broker.pid(), SIGSTOP);  // acknowledges nothing
  size_t accepted = 0;
  Status refused;
  while (accepted < 10'000) {
    refused = publisher.transport().publish({.topic = "n", .payload = std::to_string(accepted), .qos = 1});
    if (!refused) break;
    ++accepted;
  }
  EXPECT_EQ(accepted, 500U);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("500 messages"));
  ::kill(broker.pid(), SIGCONT);
  ASSERT_TRUE(subscriber.wait_messages(accepted));
  expect_in_order(subscriber.received(), accepted);
}

TEST(PahoFlow, BoundsTheBytesThatWait) {
  const Mosquitto broker;
  TestClient publisher(broker.url(), "pub", {}, [](mqtt::Options& options) { options.max_buffered_bytes = 1 << 20; });
  ASSERT_TRUE(publisher.connect());
  ::kill(broker.pid(), SIGSTOP);
  const std::string block(64 << 10, 'x');
  size_t accepted = 0;
  while (accepted < 1000 && publisher.transport().publish({.topic = "n", .payload = block, .qos = 1})) ++accepted;
  EXPECT_EQ(accepted, 16U);
  ::kill(broker.pid(), SIGCONT);
}

TEST(PahoFlow, DisconnectSendsWhatWaits) {
  const Mosquitto broker;
  TestClient subscriber(broker.url(), "sub", {{"n", 1}});
  TestClient publisher(broker.url(), "pub");
  ASSERT_TRUE(subscriber.connect());
  ASSERT_TRUE(publisher.connect());
  publish_numbered(publisher, 2000, 1);
  publisher.transport().disconnect(10'000);
  ASSERT_TRUE(subscriber.wait_messages(2000));
  expect_in_order(subscriber.received(), 2000);
}

TEST(PahoFlow, DisconnectKeepsItsTimeLimit) {
  const Mosquitto broker;
  TestClient publisher(broker.url(), "pub");
  ASSERT_TRUE(publisher.connect());
  ::kill(broker.pid(), SIGSTOP);
  ASSERT_TRUE(publisher.transport().publish({.topic = "n", .payload = "1", .qos = 1}));
  const auto start = Clock::now();
  publisher.transport().disconnect(100);
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(5));
  EXPECT_FALSE(publisher.transport().connected());
  ::kill(broker.pid(), SIGCONT);
}

TEST(PahoFlow, RefusesWhatMqttOrTheBrokerDoesNotTake) {
  const Mosquitto broker({.max_packet_size = 10'000});
  TestClient client(broker.url(), "client", {{"n", 1}});
  EXPECT_EQ(client.transport().publish({.topic = "n", .payload = ""}).error().code, ErrorCode::unavailable);
  ASSERT_TRUE(client.connect());
  EXPECT_EQ(client.transport().publish({.topic = "", .payload = ""}).error().code, ErrorCode::invalid);
  EXPECT_EQ(client.transport().publish({.topic = "a/#", .payload = ""}).error().code, ErrorCode::invalid);
  EXPECT_EQ(client.transport().publish({.topic = "n", .payload = "", .qos = 2}).error().code, ErrorCode::invalid);
  const Status large = client.transport().publish({.topic = "n", .payload = std::string(20'000, 'x'), .qos = 1});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::limit);
  EXPECT_THAT(large.error().message, testing::HasSubstr("max_packet_size"));
  ASSERT_TRUE(client.transport().publish({.topic = "n", .payload = "small", .qos = 1}));
  EXPECT_TRUE(client.wait_messages(1));
}

void publish_file(const Mosquitto& broker, const std::string& path) {
  const std::string port = std::to_string(broker.port());
  std::vector<std::string> words{"mosquitto_pub", "-h", "127.0.0.1", "-p", port, "-t", "n", "-f", path};
  std::vector<char*> args;
  for (std::string& word : words) args.push_back(word.data());
  args.push_back(nullptr);
  pid_t pid = 0;
  ASSERT_EQ(::posix_spawnp(&pid, args[0], nullptr, nullptr, args.data(), environ), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

TEST(PahoFlow, NeverSeesAMessageOfAForeignClientAboveItsLimit) {
  const Mosquitto broker({.defaults = true});
  TestClient subscriber(broker.url(), "sub", {{"n", 1}});
  TestClient publisher(broker.url(), "pub");
  ASSERT_TRUE(subscriber.connect());
  ASSERT_TRUE(publisher.connect());
  const std::string large = testing::TempDir() + "large-" + std::to_string(::getpid());
  std::ofstream(large) << std::string(100 << 20, 'x');
  publish_file(broker, large);
  std::remove(large.c_str());
  ASSERT_TRUE(publisher.transport().publish({.topic = "n", .payload = "small", .qos = 1}));
  ASSERT_TRUE(subscriber.wait_messages(1));
  EXPECT_EQ(subscriber.received()[0].payload, "small");
  EXPECT_TRUE(subscriber.reasons().empty());
}

TEST(PahoFlow, DropsALargeMessageOfABrokerThatIgnoresTheLimit) {
  FakeBroker broker;
  TestClient client(broker.url(), "client", {{"n", 0}},
                    [](mqtt::Options& options) { options.max_incoming_bytes = 10'000; });
  ASSERT_TRUE(client.connect());
  broker.publish("n", std::string(100'000, 'x'));
  broker.publish("n", "small");
  ASSERT_TRUE(client.wait_messages(1));
  EXPECT_EQ(client.received()[0].payload, "small");
  EXPECT_TRUE(client.transport().connected());
}

TEST(PahoFlow, MessagesExpire) {
  const Mosquitto broker;
  TestClient publisher(broker.url(), "pub");
  ASSERT_TRUE(publisher.connect());
  ASSERT_TRUE(
      publisher.transport().publish({.topic = "short", .payload = "1", .qos = 1, .retained = true, .expiry_s = 1}));
  ASSERT_TRUE(publisher.transport().publish({.topic = "long", .payload = "2", .qos = 1, .retained = true}));
  publisher.transport().disconnect(5000);
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));  // the broker counts whole seconds of real time
  TestClient late(broker.url(), "late", {{"short", 1}, {"long", 1}});
  ASSERT_TRUE(late.connect());
  ASSERT_TRUE(late.wait_messages(1));
  EXPECT_EQ(late.received()[0].topic, "long");
}

// A request and its answer over one connection each way: TCP must not hold small packets back.
TEST(PahoFlow, AnswersQuickly) {
  const Mosquitto broker;
  TestClient client(broker.url(), "client", {{"n", 1}});
  ASSERT_TRUE(client.connect());
  const auto start = Clock::now();
  constexpr size_t rounds = 200;
  for (size_t i = 0; i < rounds; ++i) {
    ASSERT_TRUE(client.transport().publish({.topic = "n", .payload = "ping", .qos = 1}));
    ASSERT_TRUE(client.wait_messages(i + 1));
  }
  const std::chrono::duration<double, std::milli> took = Clock::now() - start;
  std::printf("%.2f ms a round trip, QoS 1\n", took.count() / rounds);
}

}  // namespace
}  // namespace bramble::test
