#include "common/base/duration.hpp"

#include <array>
#include <optional>

#include "common/base/decimal.hpp"
#include "common/base/utf8.hpp"

namespace bramble {
namespace {

struct Unit {
  std::string_view name;
  int64_t ms;
};

constexpr std::array<Unit, 6> kUnits = {
    {{"w", 604'800'000}, {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

std::optional<int64_t> unit_ms(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return unit.ms;
  }
  return std::nullopt;
}

void skip_spaces(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
}

// One part such as "30m", or a bare number of seconds where that is the whole text.
std::optional<int64_t> take_part(std::string_view& text, int64_t& below_ms, bool first) {
  const auto number = take_decimal(text);
  if (!number) return std::nullopt;
  const std::string_view name = take_letters(text);
  const auto unit = name.empty() && first && text.empty() ? std::optional<int64_t>(1000) : unit_ms(name);
  if (!unit || *unit >= below_ms) return std::nullopt;
  below_ms = *unit;
  const auto part = number->times(static_cast<uint64_t>(*unit), static_cast<uint64_t>(kMaxDurationMs));
  if (!part) return std::nullopt;
  return static_cast<int64_t>(*part);
}

// 1234 to "1.2s", 2000 to "2s".
std::string seconds_with_tenth(int64_t ms) {
  const int64_t tenths = ms % 1000 / 100;
  return std::to_string(ms / 1000) + (tenths == 0 ? "" : "." + std::to_string(tenths)) + "s";
}

}  // namespace

Result<int64_t> parse_duration_ms(std::string_view text) {
  std::string_view rest = text;
  int64_t total_ms = 0;
  int64_t below_ms = kMaxDurationMs;
  skip_spaces(rest);
  for (bool first = true; first || !rest.empty(); first = false) {
    const auto part_ms = take_part(rest, below_ms, first);
    if (!part_ms || *part_ms > kMaxDurationMs - total_ms) {
      return fail("not a duration: '" + to_utf8(text, 64) + "'; write it like 90 (seconds), 250ms, 10m, 1h 30m or 2d");
    }
    total_ms += *part_ms;
    skip_spaces(rest);
  }
  return total_ms;
}

std::string format_duration(int64_t duration_ms) {
  if (duration_ms < 0) return "-" + format_duration(duration_ms == INT64_MIN ? INT64_MAX : -duration_ms);
  if (duration_ms < 1000) return std::to_string(duration_ms) + "ms";
  if (duration_ms < 10'000) return seconds_with_tenth(duration_ms);
  if (duration_ms < 60'000) return std::to_string(duration_ms / 1000) + "s";
  for (size_t i = 1;; ++i) {  // from days on: weeks are said as days
    const auto& [name, ms] = kUnits[i];
    if (duration_ms < ms) continue;
    const auto& [smaller_name, smaller_ms] = kUnits[i + 1];
    const int64_t remainder = duration_ms % ms / smaller_ms;
    std::string text = std::to_string(duration_ms / ms) + std::string(name);
    if (remainder != 0) text += " " + std::to_string(remainder) + std::string(smaller_name);
    return text;
  }
}

}  // namespace bramble
