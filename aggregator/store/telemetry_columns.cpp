#include "aggregator/store/telemetry_columns.hpp"

#include <algorithm>
#include <cmath>

namespace bramble::aggregator {
namespace {

// 280 MWh in mJ, an exabyte in KiB: no node gets there, and increases can be summed.
constexpr double kMaxScaled = 1e15;

static_assert(std::ranges::is_sorted(kTelemetryColumns, {}, &TelemetryColumn::metric));

bool is_sane(size_t column, double scaled) {
  return std::abs(scaled) <= kMaxScaled && (scaled >= 0 || !kTelemetryColumns[column].is_counter());
}

}  // namespace

// Both the reading and the columns are in the order of their names: one walk through both.
ScaledReading scale_reading(const wire::Telemetry& reading) {
  ScaledReading scaled;
  size_t place = 0;
  for (const auto& [metric, value] : reading.values) {
    while (place < kTelemetryColumnCount && kTelemetryColumns[place].metric < metric) ++place;
    const bool known = place < kTelemetryColumnCount && kTelemetryColumns[place].metric == metric;
    const double result = known ? std::round(value * kTelemetryColumns[place].scale) : value;
    if (!std::isfinite(result) || (known && !is_sane(place, result))) {
      ++scaled.refused;
    } else if (known) {
      scaled.values.set(place, static_cast<int64_t>(result));
    } else {
      scaled.others.emplace_back(metric, value);
    }
  }
  return scaled;
}

}  // namespace bramble::aggregator
