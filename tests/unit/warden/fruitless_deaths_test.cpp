#include <gtest/gtest.h>

#include "agent/warden/fruitless_deaths.hpp"

namespace bramble::warden {
namespace {

constexpr MonoTime kBegin{1000};
constexpr MonoTime kLate{1000 + FruitlessDeaths::kMaxMs};

void die(FruitlessDeaths& deaths, uint32_t times, bool had_read) {
  for (uint32_t i = 0; i < times; ++i) deaths.died(had_read);
}

TEST(FruitlessDeaths, OfAKernelThatNeverReadsEndTheBatchAtOnce) {
  FruitlessDeaths deaths(kBegin);
  die(deaths, FruitlessDeaths::kMaxInRow - 1, false);
  EXPECT_FALSE(deaths.hopeless(kLate));
  deaths.died(false);
  EXPECT_EQ(deaths.hopeless(kBegin), "the kernel ended 20 times in a row before it read a call");
}

TEST(FruitlessDeaths, OfAKernelThatReadsItsCallsEndTheBatchOnlyWhenMuchTimeIsLost) {
  FruitlessDeaths deaths(kBegin);
  die(deaths, 5000, true);
  EXPECT_FALSE(deaths.hopeless({kLate.ms - 1}));
  EXPECT_EQ(deaths.hopeless(kLate), "the kernel ended 5000 times in a row, in 10 minutes without an answer");
}

TEST(FruitlessDeaths, AFewOfThemEndNoBatchHoweverLongTheyTook) {
  FruitlessDeaths deaths(kBegin);
  die(deaths, FruitlessDeaths::kMaxInRow - 1, true);
  EXPECT_FALSE(deaths.hopeless(kLate));
}

TEST(FruitlessDeaths, AnAnswerBeginsTheCountAnew) {
  FruitlessDeaths deaths(kBegin);
  die(deaths, 19, false);
  deaths.answered(kLate);
  deaths.died(false);
  die(deaths, 30, true);
  EXPECT_FALSE(deaths.hopeless({kLate.ms + 1}));
}

TEST(FruitlessDeaths, OneThatHadReadBreaksTheRowOfThoseThatHadNot) {
  FruitlessDeaths deaths(kBegin);
  die(deaths, 19, false);
  deaths.died(true);
  deaths.died(false);
  EXPECT_FALSE(deaths.hopeless(kBegin));
}

}  // namespace
}  // namespace bramble::warden
