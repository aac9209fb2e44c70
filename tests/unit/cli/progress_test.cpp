#include "aggregator/cli/progress.hpp"

#include <gtest/gtest.h>

namespace bramble::cli {
namespace {

ProgressCounts counts(uint64_t total, uint64_t succeeded, uint64_t running = 0) {
  ProgressCounts made;
  made.total = total;
  made.succeeded = succeeded;
  made.running = running;
  return made;
}

TEST(Progress, TellsNoRateAndNoTimeLeftFromOneLook) {
  Progress progress;
  progress.update({1000}, counts(10, 4, 2));
  EXPECT_EQ(progress.tasks_per_s(), 0);
  EXPECT_FALSE(progress.left_ms());
  EXPECT_EQ(progress.line(), "4/10 done, 2 running");
}

TEST(Progress, TellsRateAndTimeLeft) {
  Progress progress;
  progress.update({0}, counts(100, 0));
  progress.update({10'000}, counts(100, 20, 4));
  EXPECT_DOUBLE_EQ(progress.tasks_per_s(), 2.0);
  EXPECT_EQ(progress.left_ms(), 40'000);
  EXPECT_EQ(progress.line(), "20/100 done, 4 running, 2.0/s, 40s left");
}

TEST(Progress, ForgetsWhatIsLongerAgoThanHalfAMinute) {
  Progress progress;
  for (int64_t s = 0; s <= 100; ++s) progress.update({s * 1000}, counts(10'000, static_cast<uint64_t>(s)));
  for (int64_t s = 101; s <= 140; ++s) {
    progress.update({s * 1000}, counts(10'000, static_cast<uint64_t>(100 + (s - 100) * 10)));
  }
  EXPECT_DOUBLE_EQ(progress.tasks_per_s(), 10.0);
}

TEST(Progress, KeepsFewPointsHoweverOftenItIsTold) {
  Progress progress;
  for (int64_t ms = 0; ms <= 20'000; ++ms) progress.update({ms}, counts(100'000, static_cast<uint64_t>(ms)));
  EXPECT_NEAR(progress.tasks_per_s(), 1000.0, 1.0);
}

TEST(Progress, TellsNoTimeLeftWhileTheTotalGrows) {
  Progress progress;
  ProgressCounts open = counts(50, 0);
  open.open = true;
  progress.update({0}, open);
  open.succeeded = 10;
  open.failed = 1;
  progress.update({1000}, open);
  EXPECT_FALSE(progress.left_ms());
  EXPECT_EQ(progress.line(), "10/50+ done, 1 failed, 0 running, 11.0/s");
}

}  // namespace
}  // namespace bramble::cli
