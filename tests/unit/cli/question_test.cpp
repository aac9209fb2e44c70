// What the API says of a question, in the words of the command.
#include "aggregator/cli/question.hpp"

#include <gtest/gtest.h>

namespace bramble::cli {
namespace {

std::string said(const std::string& message) { return in_options({ErrorCode::invalid, message}).message; }

TEST(InOptions, NamesOptionsWhereTheApiNamesParameters) {
  EXPECT_EQ(said("since_ms must be before until_ms"), "--since must be before --until");
  EXPECT_EQ(said("ask for less, or raise time_limit_ms"), "ask for less, or raise --time-limit");
  EXPECT_EQ(said("the parameter metric is missing"), "--metric is missing");
  EXPECT_EQ(said("busy_w must not be below idle_w"), "--busy-w must not be below --idle-w");
  EXPECT_EQ(in_options({ErrorCode::limit, "step_ms"}).code, ErrorCode::limit);
}

TEST(InOptions, LeavesWordsThatOnlyContainThem) {
  for (const char* const text : {"unknown metric 'my_step_ms'", "since_msx", "--step_ms", "unknown metric 'power_w'"}) {
    EXPECT_EQ(said(text), text);
  }
}

}  // namespace
}  // namespace bramble::cli
