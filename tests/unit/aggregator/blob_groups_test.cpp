// Who is answered together when several nodes pull one blob.
#include "aggregator/core/blob_groups.hpp"

#include <gtest/gtest.h>

namespace bramble::aggregator {
namespace {

using Nodes = std::vector<uint32_t>;

class BlobGroupsTest : public ::testing::Test {
 protected:
  // The nodes of what is sent at once; none: it waits.
  Nodes ask(uint32_t node, uint64_t offset = 0) {
    const auto sends = groups.ask(node, {sha, offset, 8, true}, now);
    EXPECT_LE(sends.size(), 1U);
    return sends.empty() ? Nodes{} : sends[0].nodes;
  }
  std::vector<Nodes> pass(int64_t ms) {
    now = now + ms;
    std::vector<Nodes> all;
    for (const auto& send : groups.due(now)) all.push_back(send.nodes);
    return all;
  }

  BlobGroups groups;
  const std::string sha = std::string(64, 'a');
  MonoTime now{1000};
};

TEST_F(BlobGroupsTest, WhoAsksForTheSameWithinAMomentIsAnsweredOnce) {
  EXPECT_EQ(ask(3), Nodes{});
  EXPECT_EQ(groups.next_due(), now + BlobGroups::kGatherMs);
  EXPECT_TRUE(pass(60).empty());
  EXPECT_EQ(ask(1), Nodes{});
  EXPECT_EQ(pass(40), (std::vector<Nodes>{{1, 3}})) << "the second does not make the first wait longer";
  EXPECT_FALSE(groups.next_due());
}

TEST_F(BlobGroupsTest, WhoWasAnsweredTogetherWaitsNoLongerThanForTheLastOfThem) {
  ask(1), ask(2), pass(100);
  EXPECT_EQ(ask(1, 8), Nodes{});
  EXPECT_EQ(ask(2, 8), (Nodes{1, 2}));
}

TEST_F(BlobGroupsTest, WhoWasAloneIsAnsweredAtOnceFromThenOn) {
  ask(1), pass(100);
  EXPECT_EQ(ask(1, 8), Nodes{1});
}

TEST_F(BlobGroupsTest, ASlowNodeHoldsTheOthersUpForAMomentOnce) {
  ask(1), ask(2), ask(3), pass(100);
  ask(1, 8), ask(2, 8);
  EXPECT_EQ(pass(100), (std::vector<Nodes>{{1, 2}}));
  ask(1, 16);
  EXPECT_EQ(ask(2, 16), (Nodes{1, 2})) << "the third is not waited for again";
  EXPECT_EQ(ask(3, 8), Nodes{});
  EXPECT_EQ(pass(100), (std::vector<Nodes>{{3}}));
}

TEST_F(BlobGroupsTest, OtherRangesAndOtherFormsAreOtherRequests) {
  ask(1, 0), ask(2, 8);
  groups.ask(3, {sha, 0, 8, false}, now);
  EXPECT_EQ(pass(100).size(), 3U);
}

TEST_F(BlobGroupsTest, ANodeThatIsGoneIsNotWaitedFor) {
  ask(1), ask(2), pass(100);
  ask(2, 8);
  groups.forget(2);
  EXPECT_FALSE(groups.next_due());
  EXPECT_EQ(ask(1, 8), Nodes{1});
}

TEST_F(BlobGroupsTest, WhatWasAnsweredLongAgoDoesNotCount) {
  ask(1), pass(100), pass(BlobGroups::kForgetMs + 1);
  EXPECT_EQ(ask(1, 8), Nodes{}) << "others may pull it now";
}

}  // namespace
}  // namespace bramble::aggregator
