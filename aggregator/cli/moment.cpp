#include "aggregator/cli/moment.hpp"

#include <ctime>

#include "common/base/duration.hpp"

namespace bramble::cli {
namespace {}  // namespace

Result<int64_t> parse_moment_ms(const std::string& text, WallTime now) {
  if (text == "now") return now.ms;
  if (const auto ago_ms = parse_duration_ms(text)) return now.ms - *ago_ms;
  const bool utc = text.ends_with('Z');
  const std::string body = utc ? text.substr(0, text.size() - 1) : text;
  for (const char* const pattern :
       {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
    std::tm parts = {};
    parts.tm_isdst = -1;
    const char* const end = ::strptime(body.c_str(), pattern, &parts);
    if (end == nullptr || *end != '\0') continue;
    const std::time_t seconds = utc ? ::timegm(&parts) : ::mktime(&parts);
    if (seconds >= 0) return int64_t{seconds} * 1000;
  }
  return fail("'" + text + "' is no time: write 90m or 2d (so long ago), or 2026-11-21 14:02");
}

std::string moment_text(int64_t wall_ms, int64_t span_ms) {
  const auto seconds = static_cast<std::time_t>(wall_ms / 1000);
  std::tm parts = {};
  ::localtime_r(&seconds, &parts);
  const char* pattern = "%H:%M";
  if (span_ms < 600'000) pattern = "%H:%M:%S";
  if (span_ms > 2 * kDayMs) pattern = "%m-%d %H:%M";
  if (span_ms > 60 * kDayMs) pattern = "%Y-%m-%d";
  char text[32];
  return {text, std::strftime(text, sizeof text, pattern, &parts)};
}

}  // namespace bramble::cli
