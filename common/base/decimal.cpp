#include "common/base/decimal.hpp"

#include <charconv>
#include <cstddef>

namespace bramble {
namespace {

constexpr uint64_t kMillion = 1'000'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string_view take_while(std::string_view& text, bool (*wanted)(char)) {
  size_t length = 0;
  while (length < text.size() && wanted(text[length])) ++length;
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(length);
  return taken;
}

std::optional<uint32_t> take_millionths(std::string_view& text) {
  const std::string_view digits = take_while(text, is_digit);
  if (digits.empty() || digits.size() > 6) return std::nullopt;
  uint32_t millionths = 0;
  for (size_t i = 0; i < 6; ++i) {
    millionths = millionths * 10 + (i < digits.size() ? static_cast<uint32_t>(digits[i] - '0') : 0);
  }
  return millionths;
}

}  // namespace

std::optional<uint64_t> Decimal::times(uint64_t unit, uint64_t limit) const {
  // Split, so that no product overflows: (unit / 10^6) and (unit mod 10^6) are each multiplied by less than 10^6.
  const uint64_t fraction = unit / kMillion * millionths + unit % kMillion * millionths / kMillion;
  if (fraction > limit || (unit != 0 && whole > (limit - fraction) / unit)) return std::nullopt;
  return whole * unit + fraction;
}

std::optional<Decimal> take_decimal(std::string_view& text) {
  const std::string_view digits = take_while(text, is_digit);
  Decimal decimal;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), decimal.whole);
  if (error != std::errc{} || end == digits.data()) return std::nullopt;
  if (!text.starts_with('.')) return decimal;
  text.remove_prefix(1);
  const auto millionths = take_millionths(text);
  if (!millionths) return std::nullopt;
  decimal.millionths = *millionths;
  return decimal;
}

std::string_view take_letters(std::string_view& text) { return take_while(text, is_letter); }

}  // namespace bramble
