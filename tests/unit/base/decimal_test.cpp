#include "common/base/decimal.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace bramble {
namespace {

constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

std::optional<Decimal> take(std::string_view text) { return take_decimal(text); }

TEST(Decimal, TakesTheNumberAndLeavesTheRest) {
  std::string_view text = "12.5min";
  const auto number = take_decimal(text);
  ASSERT_TRUE(number);
  EXPECT_EQ(number->whole, 12U);
  EXPECT_EQ(number->millionths, 500'000U);
  EXPECT_EQ(text, "min");
  EXPECT_EQ(take_letters(text), "min");
  EXPECT_EQ(text, "");
}

TEST(Decimal, RefusesWhatDoesNotBeginWithANumber) {
  for (const char* bad : {"", "x", "-1", "+1", ".5", "1.", "1.x", "1.1234567", "18446744073709551616"}) {
    EXPECT_FALSE(take(bad)) << bad;
  }
}

TEST(Decimal, MultipliesWithoutOverflow) {
  EXPECT_EQ((Decimal{1, 500'000}.times(1024, kMost)), 1536U);
  EXPECT_EQ((Decimal{kMost, 0}.times(1, kMost)), kMost);
  EXPECT_EQ((Decimal{2, 0}.times(uint64_t{1} << 63, kMost)), std::nullopt);
  EXPECT_EQ((Decimal{1, 999'999}.times(uint64_t{1} << 63, kMost)), 18446734850337514761U);
  EXPECT_EQ((Decimal{1, 0}.times(1000, 999)), std::nullopt);
  EXPECT_EQ((Decimal{0, 999'999}.times(1'000'000, 999'998)), std::nullopt);
}

}  // namespace
}  // namespace bramble
