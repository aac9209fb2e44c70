#include "common/learn/arithmetic.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace bramble::learn {
namespace {

TEST(LearnArithmetic, AgreesWithTheLibraryToFifteenDigits) {
  for (double x = -30; x <= 30; x += 0.0371) {
    EXPECT_NEAR(exp_of(x) / std::exp(x), 1, 2e-15) << x;
    EXPECT_NEAR(tanh_of(x), std::tanh(x), 1e-15) << x;
    EXPECT_NEAR(sigmoid_of(x) / (1 / (1 + std::exp(-x))), 1, 4e-15) << x;
    const double positive = std::exp(x);
    EXPECT_NEAR(log_of(positive), std::log(positive), 2e-15 * (1 + std::fabs(x))) << positive;
  }
}

TEST(LearnArithmetic, HoldsAtTheEnds) {
  const double infinity = std::numeric_limits<double>::infinity(), nan = std::nan("");
  EXPECT_EQ(exp_of(-infinity), 0);
  EXPECT_EQ(exp_of(-1000), 0);
  EXPECT_EQ(exp_of(1000), infinity);
  EXPECT_EQ(exp_of(0), 1);
  EXPECT_EQ(log_of(1), 0);
  EXPECT_EQ(log_of(0), -infinity);
  EXPECT_EQ(tanh_of(1000), 1);
  EXPECT_EQ(tanh_of(-1000), -1);
  EXPECT_EQ(sigmoid_of(1000), 1);
  EXPECT_EQ(sigmoid_of(-1000), 0);
  for (auto* function : {exp_of, log_of, tanh_of, sigmoid_of}) EXPECT_TRUE(std::isnan(function(nan)));
}

// Computed once; a machine, compiler or library that gives other bits would train another network.
TEST(LearnArithmetic, HasTheSameBitsEverywhere) {
  EXPECT_EQ(std::bit_cast<uint64_t>(exp_of(1.234)), 4614917220242188218ULL);
  EXPECT_EQ(std::bit_cast<uint64_t>(log_of(1.234)), 4596743468495789003ULL);
  EXPECT_EQ(std::bit_cast<uint64_t>(tanh_of(0.567)), 4602797287789189990ULL);
  EXPECT_EQ(std::bit_cast<uint64_t>(sigmoid_of(-0.567)), 4600191559406412465ULL);
}

}  // namespace
}  // namespace bramble::learn
