// Small text of the kernel's, taken apart.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/posix/files.hpp"

namespace bramble::sensors {

inline constexpr size_t kMaxSourceBytes = 1 << 20;

// The whole file, or nothing when it cannot be read.
inline std::optional<std::string> read_source(const std::string& path) {
  auto text = posix::read_file(path, kMaxSourceBytes);
  return text ? std::optional<std::string>(std::move(*text)) : std::nullopt;
}

// A number that the text begins with, after blanks.
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::optional<Number>(number) : std::nullopt;
}

// Words between blanks.
inline std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return words;
    const size_t end = std::min(text.find_first_of(" \t", begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
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

// The number of a file that holds nothing else.
template <typename Number>
std::optional<Number> read_number(const std::string& path) {
  const auto text = read_source(path);
  return text ? parse_number<Number>(*text) : std::nullopt;
}

}  // namespace bramble::sensors
