#include "common/base/random.hpp"

#include <gtest/gtest.h>

#include <array>

namespace bramble {
namespace {

TEST(Random, RepeatsItselfFromTheSameSeed) {
  Random one(42), same(42), other(43);
  const uint64_t first = one.next();
  EXPECT_EQ(same.next(), first);
  EXPECT_NE(other.next(), first);
}

TEST(Random, GivesTheNumbersOfItsReference) {
  EXPECT_EQ(mix(0), 0xE220A8397B1DCDAFULL);  // the first output of splitmix64 for seed 0
  Random random(0);                          // xoshiro256** seeded by splitmix64
  EXPECT_EQ(random.next(), 0x99EC5F36CB75F2B4ULL);
  EXPECT_EQ(random.next(), 0xBF6E1F784956452AULL);
}

TEST(Random, StaysBelowItsBoundAndReachesAllOfIt) {
  Random random(1);
  std::array<int, 5> seen{};
  for (int i = 0; i < 5000; ++i) ++seen.at(random.below(5));
  for (const int count : seen) EXPECT_NEAR(count, 1000, 150);
  EXPECT_EQ(random.below(1), 0U);
  EXPECT_EQ(random.below(0), 0U);
  EXPECT_LE(random.below(Random::max()), Random::max() - 1);
}

TEST(Random, StaysBetweenItsEnds) {
  Random random(2);
  bool low = false, high = false;
  for (int i = 0; i < 1000; ++i) {
    const int64_t value = random.between(-2, 3);
    ASSERT_GE(value, -2);
    ASSERT_LE(value, 3);
    low = low || value == -2;
    high = high || value == 3;
  }
  EXPECT_TRUE(low && high);
  EXPECT_EQ(random.between(7, 7), 7);
  random.between(INT64_MIN, INT64_MAX);
}

TEST(Random, TakesChances) {
  Random random(3);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double unit = random.unit();
    ASSERT_GE(unit, 0.0);
    ASSERT_LT(unit, 1.0);
    if (random.chance(0.3)) ++hits;
    ASSERT_FALSE(random.chance(0));
    ASSERT_TRUE(random.chance(1));
  }
  EXPECT_NEAR(hits, 3000, 200);
}

}  // namespace
}  // namespace bramble
