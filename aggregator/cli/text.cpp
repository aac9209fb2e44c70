#include "aggregator/cli/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "aggregator/cli/table.hpp"

namespace bramble::cli {
namespace {

constexpr size_t kLeastWrapped = 20;

}  // namespace

std::string clock_text(int64_t wall_ms) {
  if (wall_ms <= 0) return "-";
  const std::time_t seconds = wall_ms / 1000;
  std::tm local{};
  if (!localtime_r(&seconds, &local)) return "-";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
                     local.tm_hour, local.tm_min, local.tm_sec);
}

std::string count_text(uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string wrapped(std::string_view text, size_t indent, size_t columns) {
  const size_t width = columns == 0 ? kAnyWidth : std::max(kLeastWrapped, columns - std::min(columns, indent));
  std::string result;
  size_t used = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const std::string_view word = text.substr(at, end - at);
    const size_t wide = display_width(word);
    at = end + 1;
    if (used > 0 && used + 1 + wide > width) {
      result += "\n" + std::string(indent, ' ');
      used = 0;
    }
    if (used > 0) result += ' ';
    result += word;
    used += (used > 0 ? 1 : 0) + wide;
  }
  return result;
}

}  // namespace bramble::cli
