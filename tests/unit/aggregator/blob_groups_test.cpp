// Who is answered together when several nodes pull one blob.
#include "aggregator/core/blob_groups.hpp"

#include <gtest/gtest.h>

namespace bramble::aggregator {
namespace {

using Sends = BlobGroups::Sends;

constexpr uint64_t kChunk = wire::kBlobChunkBytes;
constexpr uint64_t kAheadChunks = BlobGroups::kAheadBytes / kChunk;

Sends to_all(uint64_t begin, uint64_t end) { return {{{}, {begin * kChunk, end * kChunk}}}; }
Sends to(uint32_t node, uint64_t begin, uint64_t end) { return {{node, {begin * kChunk, end * kChunk}}}; }

class BlobGroupsTest : public ::testing::Test {
 protected:
  ~BlobGroupsTest() override { EXPECT_TRUE(groups.due(now + 3'600'000).empty()) << "something was held back"; }

  void expect(const std::vector<uint32_t>& nodes) {
    for (const uint32_t node : nodes) groups.expect(node, blob, now);
  }
  // In chunks.
  Sends ask(uint32_t node, uint64_t begin, uint64_t end) {
    return groups.ask(node, blob.sha256, {begin * kChunk, end * kChunk}, now);
  }
  Sends ask_alone(uint32_t node, uint64_t begin, uint64_t end) {
    return groups.ask_alone(node, blob.sha256, {begin * kChunk, end * kChunk}, now);
  }
  Sends pass(int64_t ms) {
    now = now + ms;
    Sends all;
    for (const auto& [sha256, sends] : groups.due(now)) {
      EXPECT_EQ(sha256, blob.sha256);
      all.insert(all.end(), sends.begin(), sends.end());
    }
    return all;
  }
  // All ask for the first chunks and get them together.
  void begin_together(const std::vector<uint32_t>& nodes, uint64_t end) {
    expect(nodes);
    for (const uint32_t node : nodes) EXPECT_EQ(ask(node, 0, end), node == nodes.back() ? to_all(0, end) : Sends{});
  }

  BlobGroups groups;
  const wire::BlobRef blob{std::string(64, 'a'), 1000 * kChunk};
  MonoTime now{1000};
};

TEST_F(BlobGroupsTest, ANodeThatNobodyIsExpectedBesideIsAnsweredAtOnceAndAlone) {
  EXPECT_EQ(ask(1, 0, 8), to(1, 0, 8)) << "nobody is expected at all";
  expect({1});
  EXPECT_EQ(ask(1, 0, 8), to(1, 0, 8));
  EXPECT_EQ(ask(1, 8, 12), to(1, 8, 12));
  EXPECT_FALSE(groups.next_due());
}

TEST_F(BlobGroupsTest, ThoseThatAreExpectedAreAnsweredOnceAsSoonAsAllHaveAsked) {
  expect({1, 2, 3});
  EXPECT_EQ(ask(3, 0, 8), Sends{});
  EXPECT_EQ(ask(1, 0, 8), Sends{});
  EXPECT_EQ(groups.next_due(), now + BlobGroups::kMaxGatherMs);
  EXPECT_EQ(ask(2, 0, 8), to_all(0, 8));
  EXPECT_FALSE(groups.next_due());
}

TEST_F(BlobGroupsTest, OfAGroupTheFirstThatAsksGetsItForAll) {
  begin_together({1, 2}, 8);
  EXPECT_EQ(ask(2, 8, 12), to_all(8, 12));
  EXPECT_EQ(ask(2, 12, 16), to_all(12, 16));
  EXPECT_EQ(ask(1, 8, 12), Sends{}) << "it is on its way";
  EXPECT_EQ(ask(1, 12, 20), to_all(16, 20));
  EXPECT_FALSE(groups.next_due());
}

TEST_F(BlobGroupsTest, WhoDoesNotComeIsWaitedForAMomentOnly) {
  expect({1, 2, 3});
  ask(1, 0, 8), pass(60), ask(2, 0, 8);
  EXPECT_EQ(pass(39), Sends{});
  EXPECT_EQ(pass(1), to_all(0, 8)) << "the second does not make the first wait longer";
  EXPECT_EQ(ask(1, 8, 12), to_all(8, 12));
  EXPECT_EQ(ask(3, 0, 8), to(3, 0, 8));
  EXPECT_EQ(ask(3, 8, 12), to(3, 8, 12)) << "it goes on alone";
}

TEST_F(BlobGroupsTest, WhoIsLeftAloneWhenTheMomentIsOverIsAnsweredAlone) {
  expect({1, 2});
  EXPECT_EQ(ask(1, 0, 8), Sends{});
  EXPECT_EQ(pass(BlobGroups::kMaxGatherMs), to(1, 0, 8));
  EXPECT_EQ(ask(1, 8, 12), to(1, 8, 12));
}

TEST_F(BlobGroupsTest, ForASmallBlobTheMomentIsShorter) {
  const wire::BlobRef small{std::string(64, 'b'), 10};
  groups.expect(1, small, now);
  groups.expect(2, small, now);
  EXPECT_EQ(groups.ask(1, small.sha256, {0, 10}, now), Sends{});
  EXPECT_EQ(groups.next_due(), now + BlobGroups::kGatherMs);
  EXPECT_EQ(groups.ask(2, small.sha256, {0, 10}, now), (Sends{{{}, {0, 10}}}));
}

TEST_F(BlobGroupsTest, WhoMissesSomethingIsAnsweredAloneAndHoldsUpNobody) {
  begin_together({1, 2, 3}, 8);
  EXPECT_EQ(ask_alone(2, 5, 13), to(2, 5, 13));
  EXPECT_EQ(ask(1, 8, 12), to_all(8, 12));
  for (uint64_t begin = 12; begin < 200; begin += 4) {
    EXPECT_EQ(ask(1, begin, begin + 4), to_all(begin, begin + 4));
    EXPECT_EQ(ask(3, begin - 4, begin), Sends{});
  }
  EXPECT_EQ(ask(2, 13, 17), to(2, 13, 17));
}

TEST_F(BlobGroupsTest, WhoAsksForTheSameAgainIsAnsweredAlone) {
  begin_together({1, 2}, 8);
  EXPECT_EQ(ask(1, 0, 8), to(1, 0, 8));
  EXPECT_EQ(ask(2, 8, 12), to(2, 8, 12)) << "and so is the last that is left";
}

TEST_F(BlobGroupsTest, ANodeThatReadsNoSharedTopicIsNotWaitedFor) {
  expect({1, 2, 3});
  ask(1, 0, 8), ask(2, 0, 8);
  EXPECT_EQ(ask_alone(3, 0, 8), (Sends{{3, {0, 8 * kChunk}}, {{}, {0, 8 * kChunk}}}));
}

TEST_F(BlobGroupsTest, AFastNodeIsNotHeldUpBySlowOnesAndDoesNotRunFarAheadOfThem) {
  begin_together({1, 2, 3}, 8);
  for (uint64_t end = 12; end <= 8 + kAheadChunks; end += 4) EXPECT_EQ(ask(1, end - 4, end), to_all(end - 4, end));
  EXPECT_EQ(ask(1, 8 + kAheadChunks, 12 + kAheadChunks), Sends{});
  EXPECT_EQ(ask(3, 8, 12), Sends{});
  EXPECT_EQ(pass(BlobGroups::kMaxGatherMs - 1), Sends{});
  EXPECT_EQ(ask(2, 8, 12), to_all(8 + kAheadChunks, 12 + kAheadChunks)) << "the slowest has come nearer";
  EXPECT_EQ(ask(1, 12 + kAheadChunks, 16 + kAheadChunks), Sends{});
  EXPECT_EQ(pass(BlobGroups::kMaxGatherMs), to(1, 12 + kAheadChunks, 16 + kAheadChunks)) << "they do not fit together";
  EXPECT_EQ(ask(1, 16 + kAheadChunks, 20 + kAheadChunks), to(1, 16 + kAheadChunks, 20 + kAheadChunks));
  EXPECT_EQ(ask(2, 12, 16), Sends{}) << "it is on its way";
  EXPECT_EQ(ask(3, 12, 16 + kAheadChunks), to(3, 12 + kAheadChunks, 16 + kAheadChunks)) << "the rest is";
}

TEST_F(BlobGroupsTest, ANodeThatIsGoneIsNotWaitedFor) {
  begin_together({1, 2, 3}, 8);
  groups.forget(3);
  for (uint64_t end = 12; end < 300; end += 4) {
    EXPECT_EQ(ask(1, end - 4, end), to_all(end - 4, end));
    EXPECT_EQ(ask(2, end - 4, end), Sends{});
  }
}

TEST_F(BlobGroupsTest, ThoseThatComeTogetherLaterAreAGroupOfTheirOwn) {
  expect({1});
  EXPECT_EQ(ask(1, 0, 1000), to(1, 0, 1000));
  pass(50);
  begin_together({2, 3}, 1000);
  expect({1, 2, 3, 4});
  EXPECT_EQ(ask(4, 0, 8), to(4, 0, 8)) << "those that had it are not expected again";
}

TEST_F(BlobGroupsTest, WhatIsNotHeardOfIsForgotten) {
  begin_together({1, 2}, 1000);
  expect({3});
  pass(BlobGroups::kForgetMs), groups.sweep(now);
  EXPECT_EQ(groups.size(), 1U);
  pass(1), groups.sweep(now);
  EXPECT_EQ(groups.size(), 0U);
}

TEST_F(BlobGroupsTest, RemembersAtMostSoManyBlobsAndNodes) {
  for (size_t i = 0; i <= BlobGroups::kMaxBlobs; ++i) groups.expect(1, {std::to_string(i), 1}, now);
  EXPECT_EQ(groups.size(), BlobGroups::kMaxBlobs);
  const std::string last = std::to_string(BlobGroups::kMaxBlobs);
  groups.expect(2, {last, 1}, now);
  EXPECT_EQ(groups.ask(2, last, {0, 1}, now), (Sends{{2, {0, 1}}}));
  for (uint32_t node = 0; node < 2 * BlobGroups::kMaxNodes; ++node) groups.expect(node, {"1", 1}, now);
  size_t waiting = 0;
  for (uint32_t node = 0; node < 2 * BlobGroups::kMaxNodes; ++node) {
    if (groups.ask(node, "1", {0, 1}, now).empty()) ++waiting;
  }
  EXPECT_EQ(waiting, BlobGroups::kMaxNodes - 1);
}

}  // namespace
}  // namespace bramble::aggregator
