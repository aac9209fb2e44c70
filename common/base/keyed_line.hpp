// Records of a shuffle by key: lines "KEY<tab>VALUE" (a line without a tab is all key), in the order of the keys'
// bytes, then of the lines'. Nodes and head agree on it.
#pragma once

#include <string_view>

namespace bramble {

inline std::string_view key_of(std::string_view line) { return line.substr(0, line.find('\t')); }

inline bool comes_before(std::string_view line, std::string_view other) {
  const int order = key_of(line).compare(key_of(other));
  return order != 0 ? order < 0 : line < other;
}

}  // namespace bramble
