// Spans of telemetry.db, whose times are Unix microseconds.
#pragma once

#include <cstdint>

namespace bramble::aggregator {

inline constexpr int64_t kMinuteUs = 60'000'000;
inline constexpr int64_t kHourUs = 60 * kMinuteUs;

constexpr int64_t floor_to(int64_t ts_us, int64_t step_us) {
  const int64_t rest = ts_us % step_us;
  return ts_us - rest - (rest < 0 ? step_us : 0);
}

}  // namespace bramble::aggregator
