#include "aggregator/cli/call_feed.hpp"

#include <gtest/gtest.h>

namespace bramble::cli {
namespace {

TEST(CallPace, CallsOfUnknownLengthGoOneByOneSoThatFewOfThemReachAllNodes) {
  CallPace pace;
  EXPECT_EQ(pace.batch_calls(), 1U);
  EXPECT_FALSE(pace.measured());
  pace.batch_ended(1, 3'600'000, 10);
  EXPECT_TRUE(pace.measured());
  EXPECT_EQ(pace.batch_calls(), 1U);
}

TEST(CallPace, BatchesAimAtHalfASecond) {
  CallPace pace;
  for (int i = 0; i < 4; ++i) pace.batch_ended(16, 40, 160);
  EXPECT_EQ(pace.batch_calls(), 200U);
  pace.batch_ended(40, 400, 400);
  EXPECT_EQ(pace.batch_calls(), 50U);
}

TEST(CallPace, GrowsInStepsSoThatOneMeasurementDoesNotMakeAGiant) {
  CallPace pace;
  pace.batch_ended(1, 0, 0);
  EXPECT_EQ(pace.batch_calls(), 4U);
  for (int i = 0; i < 10; ++i) pace.batch_ended(pace.batch_calls(), 0, 0);
  EXPECT_EQ(pace.batch_calls(), 8192U);
}

TEST(CallPace, CallsThatTakeSecondsGoOneByOne) {
  CallPace pace;
  pace.batch_ended(16, 32'000, 160);
  EXPECT_EQ(pace.batch_calls(), 1U);
  pace.batch_ended(1, 2'000, 10);
  EXPECT_EQ(pace.batch_calls(), 1U);
}

TEST(CallPace, LargeResultsMakeSmallBatches) {
  CallPace pace;
  pace.batch_ended(1, 1, 10);
  pace.batch_ended(16, 1, uint64_t{64} << 20);
  EXPECT_EQ(pace.batch_calls(), 2U);
}

}  // namespace
}  // namespace bramble::cli
