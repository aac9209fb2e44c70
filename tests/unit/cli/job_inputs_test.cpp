// Inputs that are named by their hashes.
#include "aggregator/cli/job_inputs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bramble::cli {
namespace {

using ::testing::HasSubstr;

TEST(JobInputs, ANameByHashNeedsTheNameForTheTask) {
  const auto named = parse_input("sha256:" + std::string(64, 'a') + "=model.bin");
  ASSERT_TRUE(named) << named.error().message;
  EXPECT_EQ(named->path, "sha256:" + std::string(64, 'a'));
  EXPECT_EQ(named->name, "model.bin");
  const auto nameless = parse_input("sha256:" + std::string(64, 'a'));
  ASSERT_FALSE(nameless);
  EXPECT_THAT(nameless.error().message, HasSubstr("write sha256:HASH=NAME"));
}

TEST(JobInputs, WhatIsNoHashIsRefusedBeforeTheAggregatorIsAsked) {
  EXPECT_TRUE(JobInputs::open({{"sha256:" + std::string(64, '0'), "a"}}));
  for (const std::string& wrong : {std::string(63, '0'), std::string(64, 'A'), std::string()}) {
    const auto inputs = JobInputs::open({{"sha256:" + wrong, "a"}});
    ASSERT_FALSE(inputs) << wrong;
    EXPECT_THAT(inputs.error().message, HasSubstr("64 hexadecimal digits in lower case"));
    EXPECT_THAT(inputs.error().message, HasSubstr("./sha256:" + wrong));
  }
}

TEST(JobInputs, TheStandardInputIsAlwaysAFile) {
  const auto inputs = JobInputs::open({}, "sha256:" + std::string(64, '0'));
  ASSERT_FALSE(inputs);
  EXPECT_THAT(inputs.error().message, HasSubstr("cannot read sha256:"));
}

}  // namespace
}  // namespace bramble::cli
