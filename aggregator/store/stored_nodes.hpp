// The nodes that telemetry.db knows, and those that a question is about.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "aggregator/store/metric_steps.hpp"
#include "aggregator/store/sqlite.hpp"

namespace bramble::aggregator {

// By name; all where `wanted` is empty. A name that is not there is an error that names the nearest.
Result<std::map<std::string, int64_t>> find_nodes(sqlite::Connection& connection,
                                                  const std::vector<std::string>& wanted);

Result<TierBounds> read_bounds(sqlite::Connection& connection);

}  // namespace bramble::aggregator
