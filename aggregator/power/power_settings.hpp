// The [power] and [[supply]] tables of aggregator.toml: when nodes are switched, and what their supplies can give.
#pragma once

#include <cstddef>
#include <set>
#include <string>

#include "aggregator/core/power.hpp"
#include "common/posix/config_file.hpp"

namespace bramble::aggregator {

inline constexpr size_t kMaxSupplies = 64;

//   [power]
//   recovery = true
//   keep_on = "pi[01-02]"
//
//   [[supply]]
//   name = "shelf"
//   nodes = "pi[01-08]"
//   max_w = 60
//
// All but the lines, which read_lines() reads, and this machine's own names. What is wrong is told by file.finish().
PowerConfig read_power_settings(posix::ConfigFile& file);

// One sentence about names in keep_on, head_nodes and broker_nodes that are not among the known ones (nodes with a
// line, and nodes that were heard); empty: there are none. They do no harm, but a typo protects nobody.
std::string unknown_names_in(const PowerConfig& settings, const std::set<std::string>& known);

}  // namespace bramble::aggregator
