#include "aggregator/store/metric_steps.hpp"

#include <gmock/gmock.h>

#include "aggregator/store/energy_shares.hpp"
#include "aggregator/store/telemetry_rollups.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
const TierBounds kBounds{.rolled_to_us = 100 * kHourUs, .raw_from_us = 50 * kHourUs, .minute_from_us = 20 * kHourUs};

TEST(ChooseTier, TakesTheCoarsestWhoseRowsFitTheStep) {
  EXPECT_EQ(choose_tier(60 * kHourUs, kHourUs, false, kBounds), Tier::hour);
  EXPECT_EQ(choose_tier(60 * kHourUs, 6 * kHourUs, false, kBounds), Tier::hour);
  EXPECT_EQ(choose_tier(60 * kHourUs, 5 * kMinuteUs, false, kBounds), Tier::minute);
  EXPECT_EQ(choose_tier(60 * kHourUs, 90 * kSecondUs, false, kBounds), Tier::raw) << "no whole minutes";
  EXPECT_EQ(choose_tier(60 * kHourUs, kHourUs, true, kBounds), Tier::raw);
}

TEST(ChooseTier, SaysWhatCouldBeAskedWhereATierIsGone) {
  EXPECT_EQ(choose_tier(0, kHourUs, false, kBounds), Tier::hour);
  EXPECT_THAT(choose_tier(0, kMinuteUs, false, kBounds).error().message, testing::HasSubstr("a step of 1h"));
  EXPECT_THAT(choose_tier(0, kSecondUs, false, kBounds).error().message, testing::HasSubstr("a step of 1m"));
  EXPECT_THAT(choose_tier(0, kHourUs, true, kBounds).error().message, testing::HasSubstr("single readings"));
}

TEST(WholeSteps, BeginAtAMultipleAndCoverTheEnd) {
  const Steps steps = whole_steps(125 * kSecondUs, 250 * kSecondUs, kMinuteUs);
  EXPECT_EQ(steps.since_us, 120 * kSecondUs);
  EXPECT_EQ(steps.count, 3u);
  EXPECT_EQ(steps.end_us(), 300 * kSecondUs);
  EXPECT_EQ(steps.of(185 * kSecondUs), 1u);
  EXPECT_EQ(whole_steps(0, 0, kMinuteUs).count, 0u);
}

TEST(StepCell, WeighsMeansByTheirReadings) {
  StepCell cell;
  EXPECT_EQ(cell.result(Aggregate::mean), std::nullopt);
  cell.add_gauge(1, 2, 3, 30);
  cell.add_gauge(0, 8, 9, 10);
  EXPECT_EQ(cell.result(Aggregate::mean), 3.5);
  EXPECT_EQ(cell.result(Aggregate::min), 0);
  EXPECT_EQ(cell.result(Aggregate::max), 9);
}

TEST(StepCell, RateIsGrowthOverTheTimeInWhichItGrew) {
  StepCell cell;
  cell.add_counter(100, 60, 30, true);
  cell.add_counter(100, 0, 30, false);
  EXPECT_EQ(cell.result(Aggregate::rate), 1);
  EXPECT_EQ(cell.result(Aggregate::increase), 60);
  EXPECT_EQ(cell.result(Aggregate::last), 100);
  StepCell first;
  first.add_counter(100, 0, 0, true);
  EXPECT_EQ(first.result(Aggregate::rate), std::nullopt) << "over no time";
}

TEST(Percentile95, IsTheNearestRank) {
  std::vector<double> values;
  for (int i = 100; i >= 1; --i) values.push_back(i);
  EXPECT_EQ(percentile95(values), 95);
  EXPECT_EQ(percentile95({7}), 7);
  EXPECT_EQ(percentile95({1, 2}), 2);
  EXPECT_EQ(percentile95({}), std::nullopt);
}

AttemptEnergy attempt(JobId job, const std::string& owner, int64_t started_ms, int64_t duration_ms, double energy_mj) {
  return {job, owner, started_ms, started_ms + duration_ms + 500, duration_ms, energy_mj, energy_mj / 4};
}

TEST(EnergyShares, AttemptsThatAreCutByTheSpanCountInPart) {
  const AttemptEnergy whole = attempt(1, "ann", 1000, 1000, 100);
  EXPECT_EQ(share_within(whole, 0, 5000), 1);
  EXPECT_EQ(share_within(whole, 1250, 1500), 0.25);
  EXPECT_EQ(share_within(whole, 1500, 9000), 0.5);
  EXPECT_EQ(share_within(whole, 2000, 9000), 0);
  EXPECT_EQ(share_within({1, "ann", 0, 3000, 1000, 1, 0}, 2500, 9000), 0.5) << "its start was never heard";
  EXPECT_EQ(share_within({1, "ann", 0, 3000, 0, 1, 0}, 2500, 9000), 1) << "its length is not known";
}

TEST(EnergyShares, AddUpByJobAndByOwner) {
  EnergyShares by_job(EnergyQuestion::By::job, 0, 10'000);
  EnergyShares by_owner(EnergyQuestion::By::owner, 0, 10'000);
  for (EnergyShares* shares : {&by_job, &by_owner}) {
    shares->add(attempt(12, "ann", 0, 1000, 4000), true);
    shares->add(attempt(12, "ann", 0, 1000, 8000), true);
    shares->add(attempt(2, "ben", 0, 1000, 2000), true);
    shares->add(attempt(3, "ann", 0, 1000, 1000), false);
  }
  ASSERT_EQ(by_job.rows().size(), 2u);
  EXPECT_EQ(by_job.rows()[0].name, "2");
  EXPECT_EQ(by_job.rows()[1].energy_j, 12);
  EXPECT_EQ(by_job.rows()[1].measured_j, 3);
  EXPECT_EQ(by_owner.rows()[0].name, "ann");
  EXPECT_EQ(by_owner.rows()[0].energy_j, 12);
  EXPECT_EQ(by_owner.total().energy_j, 15);
}

}  // namespace
}  // namespace bramble::aggregator
