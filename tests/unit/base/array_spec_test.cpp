#include "common/base/array_spec.hpp"

#include <gtest/gtest.h>

namespace bramble {
namespace {

TEST(ArraySpec, ReadsRangeStepAndLimit) {
  EXPECT_EQ(parse_array_spec("1-100"), (ArraySpec{.first = 1, .last = 100}));
  EXPECT_EQ(parse_array_spec("0-99:10"), (ArraySpec{.first = 0, .last = 99, .step = 10}));
  EXPECT_EQ(parse_array_spec("5-9%2"), (ArraySpec{.first = 5, .last = 9, .max_running = 2}));
  EXPECT_EQ(parse_array_spec("1-100:2%8"), (ArraySpec{.first = 1, .last = 100, .step = 2, .max_running = 8}));
  EXPECT_EQ(parse_array_spec("7"), (ArraySpec{.first = 7, .last = 7}));
}

TEST(ArraySpec, CountsItsTasks) {
  EXPECT_EQ(parse_array_spec("1-100")->size(), 100U);
  EXPECT_EQ(parse_array_spec("0-99:10")->size(), 10U);
  EXPECT_EQ(parse_array_spec("0-100:10")->size(), 11U);
  EXPECT_EQ(parse_array_spec("4294967295")->size(), 1U);
}

TEST(ArraySpec, RefusesWhatIsNone) {
  for (const char* bad : {"", "-", "1-", "-5", "a-b", "1-5:", "1-5%", "1-5%2:2", "1-5 ", " 1-5", "1-5:2%", "1--5",
                          "4294967296", "1-4294967296", "1-5x", "1-5:-1"}) {
    EXPECT_FALSE(parse_array_spec(bad)) << bad;
  }
}

TEST(ArraySpec, SaysWhatIsWrong) {
  EXPECT_EQ(parse_array_spec("x").error().message,
            "not an array: 'x'; write it like 1-100, 0-99:10 (a step) or 1-1000%8 (8 at once)");
  EXPECT_EQ(parse_array_spec("5-1").error().message, "the array '5-1' goes backwards");
  EXPECT_EQ(parse_array_spec("1-5:0").error().message, "the step of the array '1-5:0' must be at least 1");
  EXPECT_EQ(parse_array_spec("1-5%0").error().message, "the number after % in '1-5%0' must be at least 1");
  EXPECT_EQ(parse_array_spec("0-1000000").error().message, "an array of 1000001 tasks; at most 1000000 are allowed");
}

TEST(ArraySpec, AllowsHighNumbersInFewTasks) { EXPECT_EQ(parse_array_spec("0-4294967295:4295")->size(), 999'993U); }

TEST(ArraySpec, ReadsWhatItWrites) {
  for (const char* text : {"1-100", "0-99:10", "5-9%2", "1-100:2%8", "7-7"}) {
    EXPECT_EQ(to_string(parse_array_spec(text).value()), text);
  }
}

}  // namespace
}  // namespace bramble
