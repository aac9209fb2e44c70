#include "common/base/selector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bramble {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(JobSelector, ReadsNumbersRangesAndWords) {
  const auto selector = parse_job_selector("12,3-7,last");
  ASSERT_TRUE(selector);
  EXPECT_FALSE(selector->all);
  EXPECT_TRUE(selector->last);
  EXPECT_THAT(selector->ranges, ElementsAre(Pair(12, 12), Pair(3, 7)));
  EXPECT_TRUE(parse_job_selector("all")->all);
  EXPECT_TRUE(parse_job_selector("18446744073709551615"));
}

TEST(JobSelector, KnowsWhichJobsItNames) {
  const auto selector = parse_job_selector("12,3-7").value();
  EXPECT_TRUE(selector.names(3));
  EXPECT_TRUE(selector.names(7));
  EXPECT_TRUE(selector.names(12));
  EXPECT_FALSE(selector.names(8));
  EXPECT_TRUE(parse_job_selector("all")->names(99));
  EXPECT_FALSE(parse_job_selector("last")->names(99));
}

TEST(JobSelector, RefusesWhatIsNone) {
  for (const char* bad : {"", ",", "1,", ",1", "0", "0-3", "x", "1-", "-1", "1-2-3", "1 ", " 1", "All", "+1", "1.5",
                          "18446744073709551616"}) {
    EXPECT_FALSE(parse_job_selector(bad)) << bad;
  }
  EXPECT_EQ(parse_job_selector("1,x").error().message, "not a job: 'x'; name jobs like 12, 3-7, last or all");
  EXPECT_EQ(parse_job_selector("7-3").error().message, "the range '7-3' goes backwards");
}

TEST(JobSelector, LimitsItsLength) {
  std::string text = "1";
  for (size_t i = 1; i < kMaxSelectorRanges; ++i) text += ",1";
  EXPECT_TRUE(parse_job_selector(text));
  EXPECT_EQ(parse_job_selector(text + ",1").error().code, ErrorCode::limit);
}

TEST(JobSelector, ReadsWhatItWrites) {
  for (const char* text : {"12", "3-7", "last", "all", "all,last,1,2-3,9"}) {
    EXPECT_EQ(to_string(parse_job_selector(text).value()), text);
  }
}

}  // namespace
}  // namespace bramble
