#include "agent/warden/channel.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace bramble::warden {
namespace {

class ChannelTest : public testing::Test {
 protected:
  ChannelTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    near_ = std::make_unique<Channel>(posix::UniqueFd(ends[0]), 1 << 20);
    far_ = std::make_unique<Channel>(posix::UniqueFd(ends[1]), 1 << 20);
  }
  std::unique_ptr<Channel> near_;
  std::unique_ptr<Channel> far_;
};

TEST_F(ChannelTest, CarriesFramesInOrder) {
  ASSERT_TRUE(near_->queue("one"));
  ASSERT_TRUE(near_->queue(""));
  ASSERT_TRUE(near_->flush());
  EXPECT_EQ(far_->receive().value(), (std::vector<std::string>{"one", ""}));
  EXPECT_TRUE(far_->receive().value().empty());
}

TEST_F(ChannelTest, AFrameLargerThanTheSocketsBufferGoesThroughInPieces) {
  const std::string large(1'000'000, 'x');
  ASSERT_TRUE(near_->queue(large));
  std::vector<std::string> frames;
  while (frames.empty()) {
    ASSERT_TRUE(near_->flush());
    frames = far_->receive().value();
  }
  EXPECT_EQ(frames, std::vector<std::string>{large});
  EXPECT_FALSE(near_->waiting());
}

TEST_F(ChannelTest, AnotherSideThatDoesNotReadIsToldAtTheLimit) {
  const std::string piece(100'000, 'x');
  Status queued;
  for (int i = 0; i < 100 && queued; ++i) {
    queued = near_->queue(piece);
    ASSERT_TRUE(near_->flush());
  }
  ASSERT_FALSE(queued);
  EXPECT_EQ(queued.error().code, ErrorCode::limit);
  EXPECT_TRUE(near_->waiting());
}

TEST_F(ChannelTest, AClosedOtherSideIsAnError) {
  far_.reset();
  EXPECT_FALSE(near_->receive());
  ASSERT_TRUE(near_->queue("x"));
  EXPECT_FALSE(near_->flush());
}

}  // namespace
}  // namespace bramble::warden
