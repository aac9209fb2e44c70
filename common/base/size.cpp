#include "common/base/size.hpp"

#include <limits>
#include <optional>

#include "common/base/decimal.hpp"
#include "common/base/utf8.hpp"

namespace bramble {
namespace {

constexpr std::string_view kPrefixes = "kmgtpe";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// 1 for "" and "B", 1024 for "K", "KB" and "KiB", and so on.
std::optional<uint64_t> unit_bytes(std::string_view name) {
  uint64_t unit = 1;
  if (!name.empty() && lower(name.front()) != 'b') {
    const size_t power = kPrefixes.find(lower(name.front()));
    if (power == std::string_view::npos) return std::nullopt;
    unit = uint64_t{1} << (10 * (power + 1));
    name.remove_prefix(1);
    if (name.size() == 2 && lower(name.front()) == 'i') name.remove_prefix(1);
  }
  const bool good = name.empty() || (name.size() == 1 && lower(name.front()) == 'b');
  return good ? std::optional(unit) : std::nullopt;
}

}  // namespace

Result<uint64_t> parse_size_bytes(std::string_view text) {
  std::string_view rest = text;
  if (const auto number = take_decimal(rest)) {
    const auto unit = unit_bytes(rest);
    const auto bytes = unit ? number->times(*unit, std::numeric_limits<uint64_t>::max()) : std::nullopt;
    if (bytes) return *bytes;
  }
  return fail("not a size: '" + to_utf8(text, 64) + "'; write it like 512 (bytes), 100K, 1M or 1.5G (K is 1024)");
}

std::string format_size(uint64_t size_bytes) {
  if (size_bytes < 1024) return std::to_string(size_bytes);
  size_t power = 0;
  uint64_t unit = 1024;
  while (power + 1 < kPrefixes.size() && size_bytes / unit >= 1024) {
    unit *= 1024;
    ++power;
  }
  std::string text = std::to_string(size_bytes / unit);
  const uint64_t tenths = size_bytes % unit / (unit / 1024) * 10 / 1024;
  if (size_bytes / unit < 10 && tenths != 0) text += "." + std::to_string(tenths);
  return text + static_cast<char>(kPrefixes[power] - 'a' + 'A');
}

}  // namespace bramble
