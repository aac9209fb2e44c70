#include "common/wire/frame.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace bramble::wire {
namespace {

TEST(Frame, BeginsWithItsLengthLowByteFirst) {
  EXPECT_EQ(make_frame("ab"), std::string("\2\0\0\0ab", 6));
  EXPECT_EQ(make_frame(std::string(0x0102, 'x')).substr(0, 4), std::string("\2\1\0\0", 4));
}

TEST(FrameReader, GivesWholeFramesHoweverTheBytesCome) {
  const std::string bytes = make_frame("one") + make_frame("") + make_frame(std::string(1000, 'x'));
  for (size_t step = 1; step <= bytes.size(); step += 7) {
    FrameReader reader(1000);
    std::vector<std::string> frames;
    for (size_t at = 0; at < bytes.size(); at += step) {
      reader.add(std::string_view(bytes).substr(at, step));
      for (auto frame = reader.next(); frame.value(); frame = reader.next()) frames.push_back(**frame);
    }
    EXPECT_EQ(frames, (std::vector<std::string>{"one", "", std::string(1000, 'x')})) << step;
  }
}

TEST(FrameReader, GivesNothingYetForAPartOfAFrame) {
  FrameReader reader(10);
  EXPECT_EQ(reader.next().value(), std::optional<std::string>());
  reader.add(std::string("\2\0\0", 3));
  EXPECT_EQ(reader.next().value(), std::optional<std::string>());
  reader.add(std::string("\0a", 2));
  EXPECT_EQ(reader.next().value(), std::optional<std::string>());
  reader.add("b");
  EXPECT_EQ(reader.next().value(), std::optional<std::string>("ab"));
}

TEST(FrameReader, RefusesALengthAboveItsLimitForGood) {
  FrameReader reader(10);
  reader.add(std::string("\xB\0\0\0", 4));
  const auto refused = reader.next();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), (Error{ErrorCode::limit, "a frame of 11 bytes; at most 10 are allowed"}));
  reader.add("0123456789a");
  EXPECT_FALSE(reader.next());
}

TEST(FrameReader, RefusesTheLargestLengthWithoutWaitingForIt) {
  FrameReader reader(4 << 20);
  reader.add("\xFF\xFF\xFF\xFF");
  EXPECT_FALSE(reader.next());
}

}  // namespace
}  // namespace bramble::wire
