#include "aggregator/store/rollup.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace bramble::aggregator {
namespace {

constexpr size_t kLoad = *column_of("load1");
constexpr size_t kEnergy = *column_of("energy_j");
constexpr size_t kReceived = *column_of("net_receive_bytes");
constexpr Life kLife{7, false};

ScaledValues values(size_t column, int64_t value) {
  ScaledValues made;
  made.set(column, value);
  return made;
}

Rollup roll(size_t column, const std::vector<int64_t>& readings, const std::optional<Rollup>& before = {},
            const Life& life = kLife) {
  RollupBuilder builder(before);
  int64_t ts_us = before ? before->last_us : 0;
  for (const int64_t value : readings) builder.add(ts_us += 1'000'000, 1, life, values(column, value));
  return builder.finish();
}

TEST(Rollup, OfAGaugeHasLeastMeanAndMost) {
  const auto load = roll(kLoad, {10, 40, 26}).metrics[kLoad];
  EXPECT_EQ(load.min, 10);
  EXPECT_EQ(load.mean, 25);  // 25.33
  EXPECT_EQ(load.max, 40);
}

TEST(Rollup, MeanCountsOnlyReadingsThatTellTheMetric) {
  RollupBuilder builder({});
  builder.add(1, 1, kLife, values(kLoad, 30));
  builder.add(2, 1, kLife, values(kEnergy, 5));
  const Rollup rollup = builder.finish();
  EXPECT_EQ(rollup.readings, 2);
  EXPECT_EQ(rollup.metrics[kLoad].mean, 30);
  EXPECT_FALSE(rollup.metrics[kReceived].told);
}

TEST(Rollup, IncreasesOfMinutesAddUpToTheWholeGrowth) {
  const Rollup first = roll(kEnergy, {100, 130, 170});
  const Rollup second = roll(kEnergy, {200, 260}, first);
  EXPECT_EQ(first.metrics[kEnergy].increase, 70);
  EXPECT_EQ(second.metrics[kEnergy].increase, 90);
  EXPECT_EQ(second.metrics[kEnergy].last, 260);
}

TEST(Rollup, AGapBelongsToTheMinuteThatEndsIt) {
  const Rollup before = roll(kEnergy, {100});
  RollupBuilder builder(before);
  builder.add(before.last_us + 7'200'000'000, 1, kLife, values(kEnergy, 7300));
  const Rollup after = builder.finish();
  EXPECT_EQ(after.metrics[kEnergy].increase, 7200);
  EXPECT_EQ(after.covered_us, 7'200'000'000);
}

TEST(Rollup, ACounterBelowItsPredecessorCountsFromZero) {
  EXPECT_EQ(roll(kReceived, {1000, 1100, 20, 50}).metrics[kReceived].increase, 100 + 20 + 30);
}

TEST(Rollup, EnergyOfAnotherLifeCountsFromZeroEvenIfItIsMore) {
  const Rollup before = roll(kEnergy, {100, 130});
  const auto after = roll(kEnergy, {400}, before, Life{8, true}).metrics[kEnergy];
  EXPECT_EQ(after.increase, 400);
  // Bytes belong to the boot, not to the agent's life.
  const Rollup bytes = roll(kReceived, {100, 130});
  EXPECT_EQ(roll(kReceived, {400}, bytes, Life{8, true}).metrics[kReceived].increase, 270);
}

TEST(Rollup, WithinOneLifeEnergyThatFallsIsOutOfOrderAndAddsNothing) {
  EXPECT_EQ(roll(kEnergy, {100, 5000, 300, 5100}).metrics[kEnergy].increase, 5000);
  EXPECT_EQ(count_on(kReceived, 1000, 990, kLife, Succession::same), (CounterStep{0, 1000}));
  EXPECT_EQ(count_on(kReceived, 1000, 400, kLife, Succession::same), (CounterStep{400, 400}));
  EXPECT_EQ(count_on(kReceived, 1000, 990, kLife, Succession::unknown), (CounterStep{990, 990}));
  EXPECT_EQ(count_on(kEnergy, 1000, 990, kLife, Succession::unknown), (CounterStep{990, 990}));
}

TEST(Rollup, WithoutAPredecessorOnlyALifeHeardFromItsBeginCountsFromZero) {
  EXPECT_EQ(roll(kEnergy, {50, 60}).metrics[kEnergy].increase, 10);
  EXPECT_EQ(roll(kEnergy, {50, 60}, {}, Life{7, true}).metrics[kEnergy].increase, 60);
  EXPECT_EQ(roll(kReceived, {50, 60}, {}, Life{7, true}).metrics[kReceived].increase, 10);
}

// An agent that starts again under a head whose clock was set back writes into minutes that hold its predecessor's
// readings.
TEST(Rollup, ReadingsOfAnOlderLifeAmongThoseOfANewerOneAddNothing) {
  constexpr Life kOld{7, true, 1};
  constexpr Life kNew{8, true, 2};
  for (const size_t column : {kEnergy, kReceived}) {
    RollupBuilder builder(roll(column, {7'800'000}, {}, kOld));
    for (int64_t i = 0; i < 30; ++i) {
      builder.add(2 * i, 1, kOld, values(column, 7'800'000 + 5 * i));
      builder.add(2 * i + 1, 2, kNew, values(column, 5 * (i + 1)));
    }
    const Rollup rollup = builder.finish();
    EXPECT_EQ(rollup.metrics[column].increase, 30 * 5);
    EXPECT_EQ(rollup.readings, 60);
    EXPECT_EQ(rollup.last_life, kNew);
    EXPECT_EQ(rollup.last_source, 2);
  }
}

// An agent's first reading has no energy yet, for that takes two.
TEST(Rollup, ANewLifeCountsFromZeroAlsoWhereItsFirstReadingLeavesTheCounterOut) {
  constexpr Life kOld{7, true, 1};
  constexpr Life kNew{8, true, 2};
  RollupBuilder builder(roll(kEnergy, {2'800'000}, {}, kOld));
  builder.add(1, 2, kNew, {});
  builder.add(2, 2, kNew, values(kEnergy, 7'000));
  builder.add(3, 2, kNew, values(kEnergy, 14'000));
  EXPECT_EQ(builder.finish().metrics[kEnergy].increase, 14'000);
  RollupBuilder system(roll(kReceived, {2'800'000}, {}, kOld));
  system.add(1, 2, kNew, {});
  system.add(2, 2, kNew, values(kReceived, 2'800'500));
  EXPECT_EQ(system.finish().metrics[kReceived].increase, 500) << "counts on while the machine is up";
}

TEST(Rollup, AnOlderLifeIsBackWhenTheNewerOneHasBeenSilentForLong) {
  constexpr Life kOld{7, false, 1};
  RollupBuilder builder(roll(kEnergy, {100}, {}, Life{8, false, 2}));
  for (int64_t i = 1; i <= 3; ++i) builder.add(kLivesOverlapUs + 2'000'000 * i, 1, kOld, values(kEnergy, 5000 + i));
  EXPECT_EQ(builder.finish().metrics[kEnergy].increase, 2) << "what it counted before is not known";
  EXPECT_EQ(builder.finish().last_life, kOld);
}

TEST(Rollup, IncreasesEndAtTheLargestNumber) {
  constexpr int64_t kMost = 1'000'000'000'000'000;
  std::vector<Rollup> minutes;
  for (int64_t minute = 0; minute < 3; ++minute) {
    RollupBuilder builder({});
    for (int64_t i = 0; i < 5000; ++i) builder.add(i, i, Life{i + 1, true, i}, values(kEnergy, kMost));
    minutes.push_back(builder.finish());
    EXPECT_EQ(minutes.back().metrics[kEnergy].increase, 5000 * kMost);
  }
  EXPECT_EQ(combine(minutes).metrics[kEnergy].increase, std::numeric_limits<int64_t>::max());
}

TEST(Rollup, ACounterBelowZeroOfAnOlderStoreCountsAsZero) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(count_on(kEnergy, kLeast, 7, kLife, Succession::same), (CounterStep{7, 7}));
  EXPECT_EQ(count_on(kEnergy, 7, kLeast, kLife, Succession::newer), (CounterStep{0, 0}));
}

TEST(Rollup, ACounterThatIsAbsentForAMinuteGoesOnFromBefore) {
  const Rollup first = roll(kEnergy, {100});
  const Rollup without = roll(kLoad, {5}, first);
  EXPECT_FALSE(without.metrics[kEnergy].told);
  EXPECT_EQ(roll(kEnergy, {160}, without).metrics[kEnergy].increase, 60);
}

TEST(Rollup, AnHourIsMadeOfItsMinutes) {
  const std::vector<Rollup> minutes{roll(kLoad, {10, 20}), roll(kLoad, {90})};
  const auto hour = combine(minutes);
  EXPECT_EQ(hour.readings, 3);
  EXPECT_EQ(hour.metrics[kLoad].min, 10);
  EXPECT_EQ(hour.metrics[kLoad].mean, 40);  // (15 * 2 + 90) / 3
  EXPECT_EQ(hour.metrics[kLoad].max, 90);
}

TEST(Rollup, AnHoursIncreaseIsTheSumOfItsMinutes) {
  std::vector<Rollup> minutes{roll(kEnergy, {0, 7})};
  minutes.push_back(roll(kEnergy, {9, 2}, minutes[0]));              // out of order
  minutes.push_back(roll(kEnergy, {4}, minutes[1], Life{9, true}));  // a new life
  EXPECT_EQ(combine(minutes).metrics[kEnergy].increase, 7 + 2 + 4);
  EXPECT_EQ(combine(minutes).metrics[kEnergy].last, 4);
}

}  // namespace
}  // namespace bramble::aggregator
