// Sets of node names in short form: "pi[01-04,7],head". Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace bramble {

inline constexpr size_t kMaxNodeSetNames = 10'000;
inline constexpr size_t kMaxNodeSetDigits = 9;  // of a number in a name that can be part of a range

// What a person named. Only the holder of the cluster's list can say who `all` and the groups are.
struct NodeSet {
  bool all = false;                 // "all" stood in it
  std::vector<std::string> groups;  // "@group", without '@'
  std::vector<std::string> names;   // each once, in the order in which they were written

  bool operator==(const NodeSet&) const = default;
};

// A comma list of names, names with ranges in brackets (leading zeros are kept; several brackets multiply), @group and
// all.
Result<NodeSet> parse_node_set(std::string_view text);

// The same where only names make sense: all and @group are errors.
Result<std::vector<std::string>> expand_node_set(std::string_view text);

// Back to the short form, sorted; expands to the same names.
std::string fold_node_set(const std::vector<std::string>& names);

}  // namespace bramble
