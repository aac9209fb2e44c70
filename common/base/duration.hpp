// Durations as people write them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace bramble {

inline constexpr int64_t kDayMs = int64_t{24} * 60 * 60 * 1000;
inline constexpr int64_t kMaxDurationMs = 36500 * kDayMs;  // a hundred years

// "90" (seconds), "250ms", "1.5s", "10m", "1h 30m", "2d", "1w"; units in falling order, each at most once. Not
// negative.
Result<int64_t> parse_duration_ms(std::string_view text);

// Short, for tables, in the two largest units, rounded down: "250ms", "1.5s", "42s", "3m 5s", "2h", "4d 3h".
std::string format_duration(int64_t duration_ms);

}  // namespace bramble
