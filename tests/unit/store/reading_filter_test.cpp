#include "aggregator/store/reading_filter.hpp"

#include <gtest/gtest.h>

#include "aggregator/store/purge_gate.hpp"

namespace bramble::aggregator {
namespace {

using Verdict = ReadingFilter::Verdict;

wire::Telemetry reading(uint64_t run, uint64_t number, int64_t age_ms = 0) {
  wire::Telemetry made;
  made.run = run;
  made.number = number;
  made.age_ms = age_ms;
  return made;
}

TEST(ReadingFilter, TakesEachReadingOfALifeOnce) {
  ReadingFilter filter(0);
  EXPECT_EQ(filter.judge("pi1", reading(5, 1)), Verdict::take);
  EXPECT_EQ(filter.judge("pi1", reading(5, 1)), Verdict::duplicate);
  EXPECT_EQ(filter.judge("pi2", reading(5, 1)), Verdict::take);
  EXPECT_EQ(filter.judge("pi1", reading(6, 1)), Verdict::take);
  EXPECT_EQ(filter.judge("pi1", reading(5, 1)), Verdict::duplicate) << "late, of the life before";
  EXPECT_EQ(filter.judge("pi1", reading(5, 2)), Verdict::take);
}

TEST(ReadingFilter, AgentsThatSayNoRunAreNotJudged) {
  ReadingFilter filter(0);
  EXPECT_EQ(filter.judge("pi1", reading(0, 1)), Verdict::take);
  EXPECT_EQ(filter.judge("pi1", reading(0, 1)), Verdict::take);
}

TEST(ReadingFilter, RefusesWhatIsOlderThanWhatIsKept) {
  ReadingFilter filter(1000);
  EXPECT_EQ(filter.judge("pi1", reading(5, 1, 1000)), Verdict::take);
  EXPECT_EQ(filter.judge("pi1", reading(5, 2, 1001)), Verdict::too_old);
}

TEST(ReadingFilter, TakenIsReceivedLessItsAgeWhateverTheNodesClockSays) {
  wire::Telemetry late = reading(1, 1, 5000);
  late.wall_ms = 4'102'444'800'000;  // the year 2100
  EXPECT_EQ(taken_us({60'000}, late), 55'000'000);
}

TEST(SeenNumbers, RangesGrowTogether) {
  SeenNumbers seen;
  for (const uint64_t number : {1, 2, 5, 4, 3}) EXPECT_TRUE(seen.add(number));
  EXPECT_EQ(seen.ranges(), 1u);
  for (const uint64_t number : {1, 3, 5}) EXPECT_FALSE(seen.add(number));
}

TEST(SeenNumbers, TheLowestRangeIsForgottenWhereThereAreTooMany) {
  SeenNumbers seen;
  for (uint64_t i = 0; i <= SeenNumbers::kMaxRanges; ++i) EXPECT_TRUE(seen.add(10 + 2 * i));
  EXPECT_EQ(seen.ranges(), SeenNumbers::kMaxRanges);
  EXPECT_FALSE(seen.add(12));
  EXPECT_TRUE(seen.add(10));
}

TEST(PurgeGate, OpensWhenTheClockHasBeenSteadyForAWhile) {
  PurgeGate gate(1000);
  EXPECT_FALSE(gate.may_purge({{0}, {1'000'000}}, true));
  EXPECT_FALSE(gate.may_purge({{999}, {1'000'999}}, true));
  EXPECT_TRUE(gate.may_purge({{1000}, {1'001'000}}, true));
}

TEST(PurgeGate, ClosesWhenTheClockJumpsOrIsNotSynchronised) {
  PurgeGate gate(1000);
  constexpr int64_t kYearMs = 365LL * 86'400'000;
  EXPECT_FALSE(gate.may_purge({{0}, {0}}, true));
  EXPECT_TRUE(gate.may_purge({{1000}, {1000}}, true));
  EXPECT_FALSE(gate.may_purge({{2000}, {2000 + kYearMs}}, true)) << "forth";
  EXPECT_TRUE(gate.may_purge({{3000}, {3000 + kYearMs}}, true));
  EXPECT_FALSE(gate.may_purge({{4000}, {4000}}, true)) << "and back";
  EXPECT_FALSE(gate.may_purge({{6000}, {6000}}, false)) << "not synchronised";
  EXPECT_FALSE(gate.may_purge({{6500}, {6500}}, true));
  EXPECT_TRUE(gate.may_purge({{7000}, {7000}}, true));
}

}  // namespace
}  // namespace bramble::aggregator
