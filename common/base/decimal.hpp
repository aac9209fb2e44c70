// The number that a quantity with a unit begins with. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bramble {

// A decimal number of six places: 1.5 is {1, 500000}.
struct Decimal {
  uint64_t whole = 0;
  uint32_t millionths = 0;

  // The number times unit, rounded down; nothing if that is above limit.
  std::optional<uint64_t> times(uint64_t unit, uint64_t limit) const;
};

// Takes digits, or digits '.' one to six digits, off the front of text; nothing if it does not begin so.
std::optional<Decimal> take_decimal(std::string_view& text);

// Takes letters off the front of text.
std::string_view take_letters(std::string_view& text);

}  // namespace bramble
