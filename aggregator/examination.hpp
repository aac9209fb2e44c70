// What `bramble node doctor` finds out by looking at this machine, at certificates and at
// the configured lines, without switching any.
#pragma once

#include <vector>

#include "aggregator/config.hpp"
#include "aggregator/core/api.hpp"
#include "aggregator/power/line_doctor.hpp"

namespace bramble::aggregator {

// Of the head, and of each line and certificate for its node. May block for as long as files of the kernel do.
// Thread-safe.
std::vector<NodeFinding> examine_head(const DaemonConfig& config);

// A line's finding in one sentence.
wire::Finding line_finding(const LineFinding& line);

}  // namespace bramble::aggregator
