#include "aggregator/store/metric_steps.hpp"

#include <algorithm>
#include <cmath>

#include "aggregator/store/telemetry_rollups.hpp"

namespace bramble::aggregator {

std::string_view to_string(Tier tier) {
  switch (tier) {
    case Tier::raw:
      return "raw";
    case Tier::minute:
      return "minute";
    case Tier::hour:
      return "hour";
  }
  return "raw";
}

Result<Tier> choose_tier(int64_t since_us, int64_t step_us, bool needs_readings, const TierBounds& bounds) {
  if (needs_readings) {
    if (since_us >= bounds.raw_from_us) return Tier::raw;
    return fail(
        "p95, and last of a gauge, are made of single readings, which are kept for a shorter time: ask for a "
        "later begin, or for max or mean");
  }
  if (step_us % kHourUs == 0) return Tier::hour;
  if (step_us % kMinuteUs == 0) {
    if (since_us >= bounds.minute_from_us) return Tier::minute;
    return fail("minutes are not kept for so long: ask for a step of 1h (or whole hours), or for a later begin");
  }
  if (since_us >= bounds.raw_from_us) return Tier::raw;
  return fail(
      "single readings are not kept for so long: ask for a step of 1m (or whole minutes), or for a later begin");
}

Steps whole_steps(int64_t since_us, int64_t until_us, int64_t step_us) {
  Steps steps{floor_to(since_us, step_us), step_us, 0};
  if (until_us > steps.since_us) steps.count = static_cast<size_t>((until_us - steps.since_us + step_us - 1) / step_us);
  return steps;
}

void StepCell::add_gauge(double min, double mean, double max, double weight) {
  min_ = weight_ > 0 ? std::min(min_, min) : min;
  max_ = weight_ > 0 ? std::max(max_, max) : max;
  sum_ += mean * weight;
  weight_ += weight;
  last_ = mean;
  told_ = true;
}

void StepCell::add_counter(double last, double increase, double covered_s, bool told) {
  covered_s_ += covered_s;
  if (!told) return;
  last_ = last;
  increase_ += increase;
  told_ = true;
}

void StepCell::add_value(double value, bool keep_it) {
  add_gauge(value, value, value, 1);
  if (keep_it) values_.push_back(value);
}

std::optional<double> StepCell::result(Aggregate aggregate) const {
  if (!told_) return std::nullopt;
  switch (aggregate) {
    case Aggregate::natural:
    case Aggregate::mean:
      return sum_ / weight_;
    case Aggregate::min:
      return min_;
    case Aggregate::max:
      return max_;
    case Aggregate::last:
      return last_;
    case Aggregate::increase:
      return increase_;
    case Aggregate::p95:
      return percentile95(values_);
    case Aggregate::rate:
      return covered_s_ > 0 ? std::optional(increase_ / covered_s_) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<double> percentile95(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  const auto rank = static_cast<size_t>(std::ceil(0.95 * static_cast<double>(values.size()))) - 1;
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

}  // namespace bramble::aggregator
