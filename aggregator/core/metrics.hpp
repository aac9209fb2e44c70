// The state in Prometheus' text format, version 0.0.4: what bramble_* series there are and where they come from.
#pragma once

#include <string>

#include "aggregator/core/state.hpp"

namespace bramble::aggregator {

// Names and units by Prometheus' rules: base units, ratios from 0 to 1, counters end in _total. A node's readings are
// there while it is heard; what it cannot tell is absent. Counters of nodes begin anew with their agents, those of the
// aggregator with it. Of jobs the newest kMaxJobsInMetrics open ones have series of their own.
uint64_t refused_readings(const State& state);  // of all nodes: they sent too many a second

std::string metrics_text(const State& state, Now now);

inline constexpr size_t kMaxJobsInMetrics = 200;

}  // namespace bramble::aggregator
