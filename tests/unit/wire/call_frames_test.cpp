#include "common/wire/call_frames.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace bramble::wire {
namespace {

using testing::HasSubstr;

TEST(CallFrames, CallsAreReadAsTheyWereWritten) {
  std::string batch;
  append_call(batch, {7, "one"});
  append_call(batch, {8, ""});
  append_call(batch, {0xFFFFFFFF, std::string_view("\0\n", 2)});
  const auto calls = split_calls(batch);
  ASSERT_TRUE(calls) << calls.error().message;
  ASSERT_EQ(calls->size(), 3U);
  EXPECT_EQ((*calls)[0].number, 7U);
  EXPECT_EQ((*calls)[0].input, "one");
  EXPECT_EQ((*calls)[1].input, "");
  EXPECT_EQ((*calls)[2].number, 0xFFFFFFFFU);
  EXPECT_EQ((*calls)[2].input, std::string_view("\0\n", 2));
}

TEST(CallFrames, AreTheBytesThatTheReadmeShows) {
  std::string batch, replies;
  append_call(batch, {258, "ab"});
  append_reply(replies, {258, CallStatus::failed, "no"});
  EXPECT_EQ(batch, std::string("\x06\0\0\0\x02\x01\0\0ab", 10));
  EXPECT_EQ(replies, std::string("\x07\0\0\0\x02\x01\0\0\x01no", 11));
}

TEST(CallFrames, RepliesAreReadAsTheyWereWritten) {
  std::string text;
  append_reply(text, {1, CallStatus::good, "x"});
  append_reply(text, {2, CallStatus::skipped, "why"});
  const auto replies = split_replies(text);
  ASSERT_TRUE(replies) << replies.error().message;
  ASSERT_EQ(replies->size(), 2U);
  EXPECT_EQ((*replies)[1].status, CallStatus::skipped);
  EXPECT_EQ((*replies)[1].bytes, "why");
}

TEST(CallFrames, WhatIsCutOffOrClaimsTooMuchIsRefusedByItsPlace) {
  std::string batch;
  append_call(batch, {1, "one"});
  append_call(batch, {2, "two"});
  EXPECT_THAT(split_calls(batch.substr(0, batch.size() - 1)).error().message, HasSubstr("frame 1 is cut off"));
  EXPECT_THAT(split_calls(batch + "\x01").error().message, HasSubstr("frame 2 is cut off"));
  EXPECT_THAT(split_calls(std::string("\xff\xff\xff\xff", 4)).error().message, HasSubstr("4294967295 bytes long"));
  EXPECT_THAT(split_calls(std::string("\x03\0\0\0abc", 7)).error().message, HasSubstr("3 bytes long"));
  EXPECT_FALSE(split_replies(std::string("\x05\0\0\0\0\0\0\0\x07", 9)));  // no such status
}

TEST(CallFrames, MoreCallsThanABatchMayHaveAreRefused) {
  std::string batch;
  for (size_t i = 0; i <= kMaxBatchCalls; ++i) append_call(batch, {static_cast<uint32_t>(i), ""});
  EXPECT_THAT(split_calls(batch).error().message, HasSubstr("one too many"));
}

TEST(CallFrames, AReplyIsTakenWhenItIsWhole) {
  std::string text;
  append_reply(text, {5, CallStatus::good, "result"});
  for (size_t size = 0; size < text.size(); ++size) {
    const auto reply = first_reply(text.substr(0, size));
    ASSERT_TRUE(reply) << size;
    EXPECT_FALSE(*reply) << size;
  }
  const std::string more = text + "x";
  const auto reply = first_reply(more);
  ASSERT_TRUE(reply && *reply);
  EXPECT_EQ((*reply)->bytes, "result");
  EXPECT_FALSE(first_reply(std::string("\x04\0\0\0", 4)));  // too short to be one
}

TEST(CallFrames, AnyBytesAreReadOrRefused) {
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 40, '\0');
    for (char& byte : text) byte = static_cast<char>(random() % 4 == 0 ? random() : random() % 8);
    if (const auto calls = split_calls(text)) {
      std::string again;
      for (const Call& call : *calls) append_call(again, call);
      ASSERT_EQ(again, text);
    }
    if (const auto replies = split_replies(text)) {
      std::string again;
      for (const Reply& reply : *replies) append_reply(again, reply);
      ASSERT_EQ(again, text);
    }
    static_cast<void>(first_reply(text));
  }
}

}  // namespace
}  // namespace bramble::wire
