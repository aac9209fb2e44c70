#include "aggregator/store/telemetry_columns.hpp"

#include <algorithm>
#include <cmath>

namespace bramble::aggregator {
namespace {

constexpr double kMaxScaled = 9e18;  // below 2^63

static_assert(std::ranges::is_sorted(kTelemetryColumns, {}, &TelemetryColumn::metric));

std::optional<int64_t> scaled(double value, double scale) {
  const double result = std::round(value * scale);
  if (!std::isfinite(result) || std::abs(result) > kMaxScaled) return std::nullopt;
  return static_cast<int64_t>(result);
}

}  // namespace

// Both the reading and the columns are in the order of their names: one walk through both.
ScaledValues scale_reading(const wire::Telemetry& reading, uint64_t& unknown) {
  ScaledValues values;
  size_t place = 0;
  for (const auto& [metric, value] : reading.values) {
    while (place < kTelemetryColumnCount && kTelemetryColumns[place].metric < metric) ++place;
    const bool known = place < kTelemetryColumnCount && kTelemetryColumns[place].metric == metric;
    if (known) values[place] = scaled(value, kTelemetryColumns[place].scale);
    if (!known || !values[place]) ++unknown;
  }
  return values;
}

std::string insert_telemetry_sql() {
  std::string columns = "ts_ms, node_id, power_measured";
  std::string marks = "?, ?, ?";
  for (const auto& column : kTelemetryColumns) {
    columns.append(", ").append(column.column);
    marks += ", ?";
  }
  return "INSERT OR REPLACE INTO telemetry_raw (" + columns + ") VALUES (" + marks + ")";
}

}  // namespace bramble::aggregator
