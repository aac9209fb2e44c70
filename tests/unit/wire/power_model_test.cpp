#include "common/wire/power_model.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "common/base/random.hpp"

namespace bramble::wire {
namespace {

TEST(PowerModel, AddsTheBusyShareToIdle) {
  EXPECT_DOUBLE_EQ(modelled_power_w({2, 6}, 0, 1), 2);
  EXPECT_DOUBLE_EQ(modelled_power_w({2, 6}, 0.25, 1), 3);
  EXPECT_DOUBLE_EQ(modelled_power_w({2, 6}, 1, 0.5), 4);  // throttled to half its clock
}

TEST(PowerModel, StaysWithinItsCoefficients) {
  EXPECT_DOUBLE_EQ(modelled_power_w({2, 6}, 1.01, 1.1), 6);
  EXPECT_DOUBLE_EQ(modelled_power_w({2, 6}, -0.1, 1), 2);
}

TEST(PowerModel, IsFittedFromAMeteredNode) {
  Random random(1);
  std::vector<MeteredPoint> points;
  for (int i = 0; i < 200; ++i) {
    const double load = random.unit();
    points.push_back({load, 2.7 + 3.7 * load + (random.unit() - 0.5) * 0.2});
  }
  const auto model = fit_power_model(points);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_NEAR(model->idle_w, 2.7, 0.05);
  EXPECT_NEAR(model->busy_w, 6.4, 0.05);
}

TEST(PowerModel, IsFittedThoughSomePointsMakeNoSense) {
  std::vector<MeteredPoint> points = {{NAN, 3}, {0.5, INFINITY}, {-1, 3}, {2, 3}, {0.5, -4}};
  for (int i = 0; i <= 10; ++i) points.push_back({i / 10.0, 2 + i / 10.0});
  const auto model = fit_power_model(points);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_NEAR(model->idle_w, 2, 1e-9);
  EXPECT_NEAR(model->busy_w, 3, 1e-9);
}

TEST(PowerModel, IsNotFittedFromTooLittle) {
  EXPECT_EQ(fit_power_model({{0, 2}, {1, 6}}).error().message,
            "too few metered readings to fit a model: 2, at least 10 are needed");
  EXPECT_NE(fit_power_model(std::vector<MeteredPoint>(100, {0.1, 3})).error().message.find("about the same load"),
            std::string::npos);
  std::vector<MeteredPoint> falling;
  for (int i = 0; i <= 10; ++i) falling.push_back({i / 10.0, 6 - i / 10.0});
  EXPECT_NE(fit_power_model(falling).error().message.find("fall with the load"), std::string::npos);
}

TEST(PowerModel, NeverFitsLessThanNothing) {
  std::vector<MeteredPoint> points;
  for (int i = 0; i <= 10; ++i) points.push_back({0.5 + i / 20.0, i / 10.0});
  const auto model = fit_power_model(points);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->idle_w, 0);
  EXPECT_NEAR(model->busy_w, 1, 1e-9);
}

}  // namespace
}  // namespace bramble::wire
