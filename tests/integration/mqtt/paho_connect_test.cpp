// Connecting and losing the connection, against a real broker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "integration/mqtt/fake_broker.hpp"
#include "integration/mqtt/loopback_sockets.hpp"
#include "integration/mqtt/test_client.hpp"
#include "support/mosquitto.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(PahoConnect, DeliversBothQualitiesOfService) {
  const Mosquitto broker;
  TestClient subscriber(broker.url(), "sub", {{"a/#", 1}, {"b", 0}});
  TestClient publisher(broker.url(), "pub");
  ASSERT_TRUE(subscriber.connect());
  ASSERT_TRUE(publisher.connect());
  const std::string binary("\0\xff\n", 3);
  ASSERT_TRUE(publisher.transport().publish({.topic = "a/1", .payload = binary, .qos = 1}));
  ASSERT_TRUE(publisher.transport().publish({.topic = "b", .payload = "", .qos = 0}));
  ASSERT_TRUE(subscriber.wait_messages(2));
  EXPECT_EQ(subscriber.received()[0].topic, "a/1");
  EXPECT_EQ(subscriber.received()[0].payload, binary);
  EXPECT_FALSE(subscriber.received()[0].retained);
  EXPECT_EQ(subscriber.received()[1].topic, "b");
}

TEST(PahoConnect, TellsRetainedMessagesApart) {
  const Mosquitto broker;
  TestClient publisher(broker.url(), "pub");
  ASSERT_TRUE(publisher.connect());
  ASSERT_TRUE(publisher.transport().publish({.topic = "state", .payload = "up", .qos = 1, .retained = true}));
  publisher.transport().disconnect(5000);
  TestClient late(broker.url(), "late", {{"state", 1}});
  ASSERT_TRUE(late.connect());
  ASSERT_TRUE(late.wait_messages(1));
  EXPECT_TRUE(late.received()[0].retained);
}

TEST(PahoConnect, SendsSmallPacketsAtOnce) {
  const Mosquitto broker;
  TestClient client(broker.url(), "client");
  ASSERT_TRUE(client.connect());
  const auto sockets = sockets_to(broker.port());
  ASSERT_EQ(sockets.size(), 1U);
  EXPECT_TRUE(no_delay(sockets[0]));
}

TEST(PahoConnect, RenewsSubscriptionsAfterARestartOfABrokerThatRemembersNothing) {
  Mosquitto broker;
  TestClient subscriber(broker.url(), "sub", {{"x/+", 1}, {"y", 0}});
  TestClient publisher(broker.url(), "pub");
  ASSERT_TRUE(subscriber.connect());
  ASSERT_TRUE(publisher.connect());
  broker.kill();
  ASSERT_TRUE(subscriber.wait_disconnected());
  ASSERT_TRUE(publisher.wait_disconnected());
  EXPECT_FALSE(publisher.transport().publish({.topic = "y", .payload = "while away"}));
  broker.start();
  ASSERT_TRUE(subscriber.connect_again());
  ASSERT_TRUE(publisher.connect_again());
  ASSERT_TRUE(publisher.transport().publish({.topic = "x/1", .payload = "1", .qos = 1}));
  ASSERT_TRUE(publisher.transport().publish({.topic = "y", .payload = "2"}));
  ASSERT_TRUE(subscriber.wait_messages(2));
  EXPECT_EQ(subscriber.received()[0].topic, "x/1");
  EXPECT_EQ(subscriber.received()[1].topic, "y");
}

TEST(PahoConnect, SubscribesAndUnsubscribesWhileConnected) {
  const Mosquitto broker;
  TestClient client(broker.url(), "client", {{"always", 1}});
  EXPECT_EQ(client.transport().subscribe("now/#", 0).error().code, ErrorCode::unavailable);
  EXPECT_EQ(client.transport().unsubscribe("now/#").error().code, ErrorCode::unavailable);
  ASSERT_TRUE(client.connect());
  ASSERT_TRUE(client.transport().subscribe("now/#", 0));
  ASSERT_TRUE(client.transport().publish({.topic = "now/x", .payload = "first"}));
  ASSERT_TRUE(client.wait_messages(1));
  ASSERT_TRUE(client.transport().unsubscribe("now/#"));
  ASSERT_TRUE(client.transport().publish({.topic = "now/x", .payload = "second"}));
  ASSERT_TRUE(client.transport().publish({.topic = "always", .payload = "third", .qos = 1}));
  ASSERT_TRUE(client.wait_messages(2));
  EXPECT_EQ(client.received()[0].payload, "first");
  EXPECT_EQ(client.received()[1].payload, "third");
}

TEST(PahoConnect, WhatWasSubscribedWhileConnectedEndsWithTheConnection) {
  Mosquitto broker;
  TestClient client(broker.url(), "client", {{"always", 1}});
  ASSERT_TRUE(client.connect());
  ASSERT_TRUE(client.transport().subscribe("now/#", 0));
  broker.kill();
  ASSERT_TRUE(client.wait_disconnected());
  broker.start();
  ASSERT_TRUE(client.connect_again());
  ASSERT_TRUE(client.transport().publish({.topic = "now/x", .payload = "nobody reads it"}));
  ASSERT_TRUE(client.transport().publish({.topic = "always", .payload = "the end", .qos = 1}));
  ASSERT_TRUE(client.wait_messages(1));
  EXPECT_EQ(client.received()[0].payload, "the end");
}

TEST(PahoConnect, ManyThreadsMayChangeSubscriptionsWhileItConnectsAndEnds) {
  const Mosquitto broker;
  TestClient client(broker.url(), "client");
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&, filter = "now/" + std::to_string(i)] {
      while (!over) {
        (void)client.transport().subscribe(filter, 0);
        (void)client.transport().unsubscribe(filter);
        std::this_thread::yield();
      }
    });
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(client.connect_again());
    client.transport().disconnect(0);
  }
  over = true;
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(client.connect_again());
  ASSERT_TRUE(client.transport().subscribe("now/0", 0));
  ASSERT_TRUE(client.transport().publish({.topic = "now/0", .payload = "it still works"}));
  EXPECT_TRUE(client.wait_messages(1));
}

TEST(PahoConnect, SaysWhenTheConnectionIsRefused) {
  const int port = free_port();
  TestClient client("tcp://127.0.0.1:" + std::to_string(port), "client");
  EXPECT_FALSE(client.connect());
  EXPECT_THAT(client.reasons(), testing::ElementsAre("cannot reach the broker at 127.0.0.1:" + std::to_string(port) +
                                                     ": connection refused"));
  EXPECT_FALSE(client.connect()) << "a second attempt ends too";
  EXPECT_EQ(client.reasons().size(), 2U);
}

TEST(PahoConnect, SaysWhenTheNameDoesNotResolve) {
  TestClient client("tcp://no-such-host.invalid:1883", "client");
  EXPECT_FALSE(client.connect());
  ASSERT_EQ(client.reasons().size(), 1U);
  EXPECT_THAT(client.reasons()[0], HasSubstr("no-such-host.invalid:1883"));
}

TEST(PahoConnect, SaysWhatIsWrongWithAUrl) {
  TestClient client("http://127.0.0.1", "client");
  EXPECT_FALSE(client.connect());
  ASSERT_EQ(client.reasons().size(), 1U);
  EXPECT_THAT(client.reasons()[0], HasSubstr("not of the form tcp://HOST:PORT"));
}

TEST(PahoConnect, SaysWhenTheBrokerDoesNotKnowTheUser) {
  const Mosquitto broker({.extra_lines = {"allow_anonymous false"}});
  TestClient client(broker.url(), "client");
  EXPECT_FALSE(client.connect());
  ASSERT_EQ(client.reasons().size(), 1U);
  EXPECT_THAT(client.reasons()[0], StartsWith("the broker at 127.0.0.1"));
  EXPECT_THAT(client.reasons()[0], HasSubstr("not authorized"));
}

TEST(PahoConnect, LosesTheConnectionToAnotherClientOfTheSameIdentifier) {
  const Mosquitto broker;
  TestClient first(broker.url(), "same"), second(broker.url(), "same");
  ASSERT_TRUE(first.connect());
  ASSERT_TRUE(second.connect());
  ASSERT_TRUE(first.wait_disconnected());
  EXPECT_TRUE(second.transport().connected());
}

TEST(PahoConnect, RepeatsTheBrokersOwnReason) {
  FakeBroker broker;
  TestClient client(broker.url(), "client", {{"a", 0}});
  ASSERT_TRUE(client.connect());
  broker.say_goodbye(0x8B);
  ASSERT_TRUE(client.wait_disconnected());
  EXPECT_THAT(client.reasons()[0], HasSubstr("ended the connection: server shutting down"));
}

TEST(PahoConnect, SaysWhichSubscriptionIsRefused) {
  for (const std::string codes : {"\x87\x01", "\x01\x87"}) {
    FakeBroker broker(codes);
    TestClient client(broker.url(), "client", {{"one", 1}, {"two", 1}});
    EXPECT_FALSE(client.connect());
    ASSERT_EQ(client.reasons().size(), 1U);
    const std::string refused = codes[0] == '\x01' ? "'two'" : "'one'";
    EXPECT_THAT(client.reasons()[0], HasSubstr("refuses a subscription: " + refused + ": not authorized"));
    EXPECT_FALSE(client.transport().connected());
  }
}

TEST(PahoConnect, DoesWithoutASubscriptionThatIsOnlyWished) {
  FakeBroker broker("\x01\x87");
  TestClient client(broker.url(), "client", {{"one", 1}}, [](mqtt::Options& options) {
    options.wishes = {{"two", 1}};
  });
  EXPECT_TRUE(client.connect());
  EXPECT_TRUE(client.reasons().empty());
}

TEST(PahoConnect, TellsOnceThatTheBrokerVanished) {
  Mosquitto broker;
  TestClient client(broker.url(), "client", {{"a", 0}});
  ASSERT_TRUE(client.connect());
  broker.kill();
  ASSERT_TRUE(client.wait_disconnected());
  EXPECT_FALSE(client.transport().connected());
  EXPECT_FALSE(client.connect());
  EXPECT_EQ(client.reasons().size(), 2U);
  EXPECT_THAT(client.reasons()[0], HasSubstr("is lost"));
  EXPECT_THAT(client.reasons()[1], HasSubstr("connection refused"));
}

TEST(PahoConnect, DoesNothingWhenConnectedAlready) {
  const Mosquitto broker;
  TestClient client(broker.url(), "client");
  ASSERT_TRUE(client.connect());
  client.transport().connect(std::nullopt);
  EXPECT_TRUE(client.transport().connected());
  EXPECT_EQ(sockets_to(broker.port()).size(), 1U);
}

TEST(PahoConnect, EndsAndConnectsAgain) {
  const Mosquitto broker;
  TestClient client(broker.url(), "client");
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(client.connect());
    client.transport().disconnect(1000);
    EXPECT_FALSE(client.transport().connected());
    EXPECT_TRUE(sockets_to(broker.port()).empty());
  }
  EXPECT_TRUE(client.reasons().empty()) << "an end that was asked for is no news";
}

TEST(PahoConnect, CanBeDestroyedWhileConnecting) {
  const Mosquitto broker;
  for (int round = 0; round < 5; ++round) {
    TestClient client(broker.url(), "client", {{"a", 0}});
    client.transport().connect(std::nullopt);
  }
  // Accepts connections and never answers: only the listen queue of the kernel is there.
  Mosquitto stopped;
  ::kill(stopped.pid(), SIGSTOP);
  {
    TestClient client(stopped.url(), "client");
    client.transport().connect(std::nullopt);
  }
  ::kill(stopped.pid(), SIGCONT);
}

TEST(PahoConnect, GivesUpOnABrokerThatNeverAnswers) {
  Mosquitto stopped;
  ::kill(stopped.pid(), SIGSTOP);
  TestClient client(stopped.url(), "client", {}, [](mqtt::Options& options) { options.connect_timeout_s = 1; });
  EXPECT_FALSE(client.connect());
  ASSERT_EQ(client.reasons().size(), 1U);
  EXPECT_THAT(client.reasons()[0], HasSubstr("no answer within 1 s"));
}

TEST(PahoConnect, NoticesASilentBrokerByItsKeepAlive) {
  const Mosquitto broker;
  TestClient client(broker.url(), "client", {}, [](mqtt::Options& options) { options.keep_alive_s = 1; });
  ASSERT_TRUE(client.connect());
  ::kill(broker.pid(), SIGSTOP);
  EXPECT_TRUE(client.wait_disconnected());
}

}  // namespace
}  // namespace bramble::test
