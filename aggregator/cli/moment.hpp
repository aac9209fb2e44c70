// A point in time as people write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/clock.hpp"
#include "common/base/result.hpp"

namespace bramble::cli {

// "1h 30m" (so long ago), "now", "2026-11-21", "2026-11-21 14:02", "2026-11-21T14:02:11" in local time, or with a Z
// behind it in UTC; as Unix milliseconds.
Result<int64_t> parse_moment_ms(const std::string& text, WallTime now);

// As short as the span that it stands in allows: "14:02:11", "14:02", "11-21 14:02", "2026-11-21".
std::string moment_text(int64_t wall_ms, int64_t span_ms);

}  // namespace bramble::cli
