#include "common/learn/optimiser.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace bramble::learn {
namespace {

using Floats = std::vector<float>;

TEST(LearnOptimiser, DescendsWithMomentum) {
  OptimiserSettings settings;
  settings.method = Method::sgd;
  settings.rate = 0.5;
  settings.momentum = 0.25;
  OptimiserState state = start_state(settings, 1);
  Floats parameters = {10};
  take_step(settings, state, {4}, parameters);
  EXPECT_EQ(parameters, Floats{8});  // velocity 4
  take_step(settings, state, {2}, parameters);
  EXPECT_EQ(parameters, Floats{6.5});  // velocity 0.25 x 4 + 2 = 3
}

TEST(LearnOptimiser, AdamsFirstStepIsAsLongAsTheRateWhateverTheGradient) {
  for (const float gradient : {-1000.0F, -0.001F, 0.5F}) {
    OptimiserSettings settings;
    settings.rate = 0.125;
    OptimiserState state = start_state(settings, 1);
    Floats parameters = {1};
    take_step(settings, state, {gradient}, parameters);
    EXPECT_NEAR(parameters[0], gradient < 0 ? 1.125 : 0.875, 1e-5) << gradient;
  }
}

TEST(LearnOptimiser, AdamFollowsItsFormula) {
  OptimiserSettings settings;
  OptimiserState state = start_state(settings, 1);
  Floats parameters = {0.5};
  double mean = 0, square = 0, expected = 0.5;
  const float gradients[] = {0.3F, -0.1F, 0.7F};
  for (int step = 1; step <= 3; ++step) {
    const double g = static_cast<double>(gradients[step - 1]);
    mean = 0.9 * mean + 0.1 * g;
    square = 0.999 * square + 0.001 * g * g;
    expected -= 0.001 * (mean / (1 - std::pow(0.9, step))) / (std::sqrt(square / (1 - std::pow(0.999, step))) + 1e-8);
    take_step(settings, state, {gradients[step - 1]}, parameters);
    EXPECT_NEAR(parameters[0], expected, 1e-6);
  }
}

TEST(LearnOptimiser, ComesToTheBottomOfABowl) {
  for (const Method method : {Method::sgd, Method::adam}) {
    OptimiserSettings settings;
    settings.method = method;
    settings.rate = 0.05;
    OptimiserState state = start_state(settings, 2);
    Floats parameters = {3, -2};
    for (int i = 0; i < 500; ++i) take_step(settings, state, {parameters[0] - 1, 4 * (parameters[1] - 2)}, parameters);
    EXPECT_NEAR(parameters[0], 1, 1e-3);
    EXPECT_NEAR(parameters[1], 2, 1e-3);
  }
}

TEST(LearnOptimiser, NamesWhatThereIs) {
  EXPECT_EQ(parse_method("sgd"), Method::sgd);
  EXPECT_EQ(parse_method("adam"), Method::adam);
  EXPECT_EQ(parse_method("adan").error().message,
            "unknown optimizer 'adan'; did you mean 'adam'? (there are \"sgd\" and \"adam\")");
}

}  // namespace
}  // namespace bramble::learn
