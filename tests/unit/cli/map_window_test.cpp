#include "aggregator/cli/map_window.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace bramble::cli {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

TEST(MapWindow, HasRoomFor64PiecesOr256MiB) {
  const WindowLimits limits;
  EXPECT_TRUE(has_room(limits, 63, 63 * kMiB, kMiB));
  EXPECT_FALSE(has_room(limits, 64, 64 * kMiB, kMiB));
  EXPECT_TRUE(has_room(limits, 4, 192 * kMiB, 64 * kMiB));
  EXPECT_FALSE(has_room(limits, 5, 193 * kMiB, 64 * kMiB));
}

TEST(MapWindow, AlwaysHasRoomForTwoPiecesASlot) {
  WindowLimits limits;
  limits.least_pieces = 200;
  EXPECT_TRUE(has_room(limits, 199, 1000 * kMiB, 64 * kMiB));
  EXPECT_FALSE(has_room(limits, 200, 200, 1));
}

TEST(MapWindow, GivesRoomBackWhenAPieceIsJoined) {
  MapWindow window({1, 2, 100});
  EXPECT_TRUE(window.try_reserve(60));
  EXPECT_FALSE(window.try_reserve(60));
  EXPECT_TRUE(window.try_reserve(40));
  EXPECT_FALSE(window.try_reserve(1));
  window.sent(2);
  EXPECT_EQ(window.wait_for_piece(), MapWindow::Next::piece);
  window.joined();
  EXPECT_TRUE(window.try_reserve(60));
}

TEST(MapWindow, StarvesAgainWhenAPieceIsJoined) {
  MapWindow window({1, 8, 100});
  ASSERT_TRUE(window.try_reserve(1));
  ASSERT_TRUE(window.try_reserve(1));
  window.sent(2);
  EXPECT_TRUE(window.wait_until_starving(1)) << "no longer than is said";
  EXPECT_FALSE(window.starving());
  std::thread joiner([&] { window.joined(); });
  EXPECT_TRUE(window.wait_until_starving(600'000));
  joiner.join();
  EXPECT_TRUE(window.starving());
  ASSERT_TRUE(window.try_reserve(1));
  std::thread stopper([&] { window.stop(); });
  EXPECT_FALSE(window.wait_until_starving(600'000));
  stopper.join();
}

TEST(MapWindow, EndsWhenAllThatWasFedIsJoined) {
  MapWindow window({1, 2, 100});
  ASSERT_TRUE(window.try_reserve(1));
  window.sent(1);
  window.feed_ended({});
  EXPECT_EQ(window.wait_for_piece(), MapWindow::Next::piece);
  window.joined();
  EXPECT_EQ(window.wait_for_piece(), MapWindow::Next::end);
}

TEST(MapWindow, StopsBothSidesWhenFeedingFails) {
  MapWindow window({1, 1, 100});
  ASSERT_TRUE(window.try_reserve(1));
  std::thread feeder([&] { window.feed_ended(fail(ErrorCode::io, "disk")); });
  EXPECT_EQ(window.wait_for_piece(), MapWindow::Next::stopped);
  EXPECT_EQ(window.feed_error()->message, "disk");
  EXPECT_FALSE(window.wait_for_room(1));
  feeder.join();
}

}  // namespace
}  // namespace bramble::cli
