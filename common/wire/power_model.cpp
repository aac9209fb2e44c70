#include "common/wire/power_model.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace bramble::wire {
namespace {

constexpr size_t kMinPoints = 10;
constexpr double kMinSpread = 0.2;  // of the loads, from least to most

bool is_sound(const MeteredPoint& point) {
  return std::isfinite(point.load) && point.load >= 0 && point.load <= 1 && std::isfinite(point.power_w) &&
         point.power_w >= 0 && point.power_w <= kMaxModelW;
}

}  // namespace

double modelled_power_w(const PowerModel& model, double busy_ratio, double frequency_ratio) {
  const double load = std::clamp(busy_ratio, 0.0, 1.0) * std::clamp(frequency_ratio, 0.0, 1.0);
  return model.idle_w + (model.busy_w - model.idle_w) * load;
}

Result<PowerModel> fit_power_model(const std::vector<MeteredPoint>& all) {
  std::vector<MeteredPoint> points;
  std::copy_if(all.begin(), all.end(), std::back_inserter(points), is_sound);
  if (points.size() < kMinPoints) {
    return fail("too few metered readings to fit a model: " + std::to_string(points.size()) + ", at least " +
                std::to_string(kMinPoints) + " are needed");
  }
  const auto [least, most] =
      std::minmax_element(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.load < b.load; });
  if (most->load - least->load < kMinSpread) {
    return fail("the metered readings are all of about the same load: let the node idle for a minute and work for one");
  }
  double mean_load = 0, mean_w = 0;
  for (const MeteredPoint& point : points) {
    mean_load += point.load / static_cast<double>(points.size());
    mean_w += point.power_w / static_cast<double>(points.size());
  }
  double covariance = 0, variance = 0;
  for (const MeteredPoint& point : points) {
    covariance += (point.load - mean_load) * (point.power_w - mean_w);
    variance += (point.load - mean_load) * (point.load - mean_load);
  }
  const double slope_w = covariance / variance;
  if (slope_w < 0) return fail("the metered watts fall with the load: look at how the meter is wired");
  PowerModel model;
  model.idle_w = std::max(0.0, mean_w - slope_w * mean_load);
  model.busy_w = std::clamp(mean_w + slope_w * (1 - mean_load), model.idle_w, kMaxModelW);
  return model;
}

}  // namespace bramble::wire
