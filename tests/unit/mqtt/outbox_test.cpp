#include "common/mqtt/outbox.hpp"

#include <gtest/gtest.h>

namespace bramble::mqtt {
namespace {

Message message(int qos, const std::string& payload = "x") { return {.topic = "t", .payload = payload, .qos = qos}; }

TEST(Outbox, GivesMessagesInOrder) {
  Outbox outbox(10, 100);
  outbox.reset(10);
  ASSERT_TRUE(outbox.put(message(1, "a")));
  ASSERT_TRUE(outbox.put(message(0, "b")));
  EXPECT_EQ(outbox.next()->payload, "a");
  EXPECT_EQ(outbox.next()->payload, "b");
  EXPECT_FALSE(outbox.next());
}

TEST(Outbox, KeepsToTheBrokersReceiveMaximum) {
  Outbox outbox(10, 100);
  outbox.reset(2);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(outbox.put(message(1)));
  ASSERT_TRUE(outbox.put(message(0)));
  EXPECT_TRUE(outbox.next());
  EXPECT_TRUE(outbox.next());
  EXPECT_FALSE(outbox.next()) << "nor does QoS 0 overtake";
  outbox.finished(1, 1);
  EXPECT_EQ(outbox.next()->qos, 1);
  EXPECT_EQ(outbox.next()->qos, 0);
}

TEST(Outbox, BoundsWhatPahoHoldsWhateverTheBrokerAllows) {
  Outbox outbox(1000, 1000);
  outbox.reset(65535);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(outbox.put(message(i % 2)));
  size_t given = 0;
  while (outbox.next()) ++given;
  EXPECT_EQ(given, Outbox::max_in_flight);
}

TEST(Outbox, CountsWhatIsInFlightAgainstItsLimits) {
  Outbox outbox(2, 5);
  outbox.reset(10);
  ASSERT_TRUE(outbox.put(message(0, "abc")));
  ASSERT_TRUE(outbox.next());
  EXPECT_FALSE(outbox.put(message(0, "abc"))) << "too many bytes";
  ASSERT_TRUE(outbox.put(message(0, "ab")));
  const Status third = outbox.put(message(0, ""));
  ASSERT_FALSE(third) << "too many messages";
  EXPECT_EQ(third.error().code, ErrorCode::unavailable);
  outbox.finished(3, 0);
  EXPECT_TRUE(outbox.put(message(0, "abc")));
}

TEST(Outbox, IsEmptyWhenEverythingIsFinished) {
  Outbox outbox(2, 5);
  outbox.reset(10);
  EXPECT_TRUE(outbox.empty());
  ASSERT_TRUE(outbox.put(message(1)));
  EXPECT_FALSE(outbox.empty());
  ASSERT_TRUE(outbox.next());
  EXPECT_FALSE(outbox.empty());
  outbox.finished(1, 1);
  EXPECT_TRUE(outbox.empty());
}

TEST(Outbox, ForgetsEverythingForANewConnection) {
  Outbox outbox(2, 5);
  outbox.reset(1);
  ASSERT_TRUE(outbox.put(message(1, "a")));
  ASSERT_TRUE(outbox.put(message(1, "b")));
  ASSERT_TRUE(outbox.next());
  outbox.reset(1);
  EXPECT_TRUE(outbox.empty());
  ASSERT_TRUE(outbox.put(message(1, "c")));
  EXPECT_EQ(outbox.next()->payload, "c");
}

}  // namespace
}  // namespace bramble::mqtt
