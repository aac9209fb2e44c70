#include "agent/core/backlog.hpp"

#include <gtest/gtest.h>

namespace bramble::agent {
namespace {

wire::Telemetry reading(uint64_t number, size_t metrics = 40) {
  wire::Telemetry made;
  made.number = number;
  made.wall_ms = 1'000'000 + static_cast<int64_t>(number);
  made.run = 9;
  for (size_t i = 0; i < metrics; ++i) made.values["m" + std::to_string(i)] = static_cast<double>(number) + 0.5;
  return made;
}

// One reading a second for so long.
Backlog kept_for(int64_t seconds, size_t metrics = 40) {
  Backlog backlog;
  for (int64_t s = 1; s <= seconds; ++s) backlog.keep(reading(static_cast<uint64_t>(s), metrics), {s * 1000});
  return backlog;
}

TEST(Backlog, KeepsOneReadingInTenSeconds) {
  Backlog backlog = kept_for(60);
  EXPECT_EQ(backlog.size(), 6U);
  EXPECT_EQ(backlog.dropped(), 54U);
}

TEST(Backlog, GivesTheOldestFirstWithItsAge) {
  Backlog backlog = kept_for(25);
  const auto first = backlog.take_oldest({100'000});
  ASSERT_TRUE(first);
  wire::Telemetry expected = reading(1);
  expected.age_ms = 99'000;
  EXPECT_EQ(*first, expected);
  EXPECT_EQ(backlog.take_oldest({100'000})->age_ms, 89'000);
  EXPECT_EQ(backlog.take_oldest({100'000})->number, 21U);
  EXPECT_FALSE(backlog.take_oldest({100'000}));
  EXPECT_TRUE(backlog.empty());
}

TEST(Backlog, KeepsSlowReadingsAll) {
  Backlog backlog;
  for (int64_t i = 1; i <= 5; ++i) backlog.keep(reading(static_cast<uint64_t>(i)), {i * 60'000});
  EXPECT_EQ(backlog.size(), 5U);
  EXPECT_EQ(backlog.dropped(), 0U);
}

TEST(Backlog, ThinsOutAndStillCoversTheWholeOutage) {
  constexpr int64_t kDayS = 86'400;
  Backlog backlog = kept_for(kDayS);
  EXPECT_LE(backlog.size() * 40, Backlog::kMaxValues);
  EXPECT_GT(backlog.size() * 40, Backlog::kMaxValues / 4);
  EXPECT_EQ(backlog.spacing_ms(), 160'000);
  EXPECT_EQ(backlog.size() + backlog.dropped(), static_cast<uint64_t>(kDayS));
  int64_t last_age_ms = INT64_MAX;
  int64_t newest_age_ms = 0, oldest_age_ms = 0;
  while (const auto next = backlog.take_oldest({kDayS * 1000})) {
    if (oldest_age_ms == 0) oldest_age_ms = next->age_ms;
    EXPECT_LT(next->age_ms, last_age_ms);
    if (last_age_ms != INT64_MAX) {
      EXPECT_LE(last_age_ms - next->age_ms, 161'000);
    }
    last_age_ms = newest_age_ms = next->age_ms;
  }
  EXPECT_GT(oldest_age_ms, (kDayS - 400) * 1000);
  EXPECT_LT(newest_age_ms, 400'000);
  EXPECT_EQ(backlog.spacing_ms(), Backlog::kFirstSpacingMs);  // for the next outage
}

TEST(Backlog, IsLimitedWhateverAReadingHolds) {
  EXPECT_LE(kept_for(100'000, 1).size(), Backlog::kMaxReadings);
  EXPECT_LE(kept_for(5000, 256).size() * 256, Backlog::kMaxValues);
}

TEST(Backlog, DropsWhatIsOlderThanTheWireAllows) {
  Backlog backlog = kept_for(11);
  const auto next = backlog.take_oldest({wire::kMaxAgeMs + 5000});
  ASSERT_TRUE(next);
  EXPECT_EQ(next->number, 11U);
  EXPECT_EQ(backlog.dropped(), 9U + 1U);
}

TEST(Backlog, KeepsReadingsOfDifferentMetricsApart) {
  Backlog backlog;
  backlog.keep(reading(1, 2), {1000});
  backlog.keep(reading(2, 3), {12'000});
  EXPECT_EQ(backlog.take_oldest({13'000})->values.size(), 2U);
  EXPECT_EQ(backlog.take_oldest({13'000})->values.size(), 3U);
}

}  // namespace
}  // namespace bramble::agent
