// Wills, against a real broker.
#include <gtest/gtest.h>

#include "integration/mqtt/loopback_sockets.hpp"
#include "integration/mqtt/test_client.hpp"
#include "support/mosquitto.hpp"

namespace bramble::test {
namespace {

mqtt::Message status(const std::string& text) {
  return {.topic = "node/n1/status", .payload = text, .qos = 1, .retained = true};
}

TEST(PahoWill, IsSentWhenTheConnectionEndsWithoutAWord) {
  const Mosquitto broker;
  TestClient node(broker.url(), "node");
  ASSERT_TRUE(node.connect(status("offline 1")));
  cut_connections_to(broker.port());
  ASSERT_TRUE(node.wait_disconnected());
  TestClient watcher(broker.url(), "watcher", {{"node/+/status", 1}});
  ASSERT_TRUE(watcher.connect());
  ASSERT_TRUE(watcher.wait_messages(1));
  EXPECT_EQ(watcher.received()[0].payload, "offline 1");
}

TEST(PahoWill, IsNotSentAfterARegularEnd) {
  const Mosquitto broker;
  TestClient watcher(broker.url(), "watcher", {{"node/+/status", 1}, {"end", 1}});
  ASSERT_TRUE(watcher.connect());
  {
    TestClient node(broker.url(), "node"), destroyed(broker.url(), "destroyed");
    ASSERT_TRUE(node.connect(status("offline")));
    ASSERT_TRUE(destroyed.connect(status("offline too")));
    node.transport().disconnect(1000);
  }
  TestClient last(broker.url(), "last");
  ASSERT_TRUE(last.connect());
  ASSERT_TRUE(last.transport().publish({.topic = "end", .payload = "", .qos = 1}));
  ASSERT_TRUE(watcher.wait_messages(1));
  EXPECT_EQ(watcher.received()[0].topic, "end");
}

TEST(PahoWill, IsANewOneForEachConnection) {
  const Mosquitto broker;
  TestClient node(broker.url(), "node");
  for (const std::string will : {"offline 1", "offline 2"}) {
    ASSERT_TRUE(node.connect(status(will)));
    const size_t ends = node.reasons().size();
    cut_connections_to(broker.port());
    ASSERT_TRUE(node.wait_disconnected(ends + 1));
  }
  TestClient watcher(broker.url(), "watcher", {{"node/+/status", 1}});
  ASSERT_TRUE(watcher.connect());
  ASSERT_TRUE(watcher.wait_messages(1));
  EXPECT_EQ(watcher.received()[0].payload, "offline 2");
}

// The reborn node's birth is there first and the will of its earlier life comes after it: only what the messages say
// of themselves tells which is newer.
TEST(PahoWill, OfAnEarlierLifeComesAfterTheRebirthAndCarriesItsOwnCounter) {
  const Mosquitto broker;
  TestClient watcher(broker.url(), "watcher", {{"node/+/status", 1}});
  ASSERT_TRUE(watcher.connect());
  TestClient earlier(broker.url(), "node-1a");
  ASSERT_TRUE(earlier.connect(status("offline 1")));
  TestClient reborn(broker.url(), "node-1b");
  ASSERT_TRUE(reborn.connect(status("offline 2")));
  ASSERT_TRUE(reborn.transport().publish(status("online 2")));
  ASSERT_TRUE(watcher.wait_messages(1));
  TestClient taker(broker.url(), "node-1a");  // the broker ends the earlier one, and sends its will
  ASSERT_TRUE(taker.connect());
  ASSERT_TRUE(watcher.wait_messages(2));
  EXPECT_EQ(watcher.received()[0].payload, "online 2");
  EXPECT_EQ(watcher.received()[1].payload, "offline 1");
  EXPECT_TRUE(reborn.transport().connected());
}

}  // namespace
}  // namespace bramble::test
