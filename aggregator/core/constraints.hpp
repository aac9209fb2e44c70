// Where the tasks of a job may run, as its submitter said it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::aggregator {

inline constexpr size_t kMaxAllowedNodes = 1'024;  // that one job names

struct Constraints {
  std::string on;                  // a node set in its short form; empty: any node
  std::vector<std::string> nodes;  // the names in it, sorted
  std::string arch;                // as nodes tell it; empty: any

  bool allow(std::string_view node, std::string_view node_arch) const;
  bool operator==(const Constraints& other) const { return on == other.on && arch == other.arch; }
};

// Both as a person writes them: "all" is any node, and Debian's names of architectures are known, too.
Result<Constraints> parse_constraints(std::string_view on, std::string_view arch);

}  // namespace bramble::aggregator
