// Small text of the kernel's, taken apart.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

namespace bramble::sensors {

// A finite number that the text begins with, after blanks.
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  if constexpr (std::is_floating_point_v<Number>) {
    if (!std::isfinite(number)) return std::nullopt;
  }
  return number;
}

// The first words between blanks; what is beyond the last that fits is left out. No allocation.
struct Words {
  static constexpr size_t kMax = 24;
  std::array<std::string_view, kMax> words;
  size_t count = 0;

  size_t size() const { return count; }
  std::string_view operator[](size_t at) const { return at < count ? words[at] : std::string_view(); }
};

inline Words split_words(std::string_view text) {
  Words found;
  while (found.count < Words::kMax) {
    const size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) break;
    const size_t end = std::min(text.find_first_of(" \t", begin), text.size());
    found.words[found.count++] = text.substr(begin, end - begin);
    text.remove_prefix(end);
  }
  return found;
}

// Calls `handle` with each line, without its end.
template <typename Handle>
void for_each_line(std::string_view text, Handle handle) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    handle(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

inline std::string_view first_line(std::string_view text) {
  return text.substr(0, std::min({text.find('\n'), text.find('\0'), text.size()}));
}

}  // namespace bramble::sensors
