// The arithmetic of questions about metrics: which tier answers, and what a step comes to. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/core/store.hpp"
#include "aggregator/store/rollup.hpp"

namespace bramble::aggregator {

enum class Tier { raw, minute, hour };
std::string_view to_string(Tier tier);

// What is there of each tier.
struct TierBounds {
  int64_t rolled_to_us = 0;  // minutes before this are rolled up
  int64_t raw_from_us = 0;   // what is older was purged
  int64_t minute_from_us = 0;
};

// The coarsest tier that answers exactly: its rows never lie across the border of a step. Only readings have a 95th
// percentile, and only they have the last value of a gauge (needs_readings). An error says which step could be asked
// for where what is needed is gone.
Result<Tier> choose_tier(int64_t since_us, int64_t step_us, bool needs_readings, const TierBounds& bounds);

// Whole steps of a question.
struct Steps {
  int64_t since_us = 0;
  int64_t step_us = 1;
  size_t count = 0;

  int64_t end_us() const { return since_us + step_us * static_cast<int64_t>(count); }
  size_t of(int64_t ts_us) const { return static_cast<size_t>((ts_us - since_us) / step_us); }  // within
};
Steps whole_steps(int64_t since_us, int64_t until_us, int64_t step_us);

// One series' value of one step, gathered from rollups or from readings.
class StepCell {
 public:
  void add_gauge(double min, double mean, double max, double weight);
  void add_counter(double last, double increase, double covered_s, bool told);
  void add_value(double value, bool keep_it);  // a reading of a gauge; kept only for p95

  // Nothing where nothing was told, or for a rate over no time.
  std::optional<double> result(Aggregate aggregate) const;

 private:
  double min_ = 0;
  double max_ = 0;
  double sum_ = 0;
  double weight_ = 0;
  double last_ = 0;
  double increase_ = 0;
  double covered_s_ = 0;
  bool told_ = false;
  std::vector<double> values_;
};

// The smallest value that at least 95 % of them do not exceed (nearest rank); of none nothing.
std::optional<double> percentile95(std::vector<double> values);

}  // namespace bramble::aggregator
