// What `systemctl status bramble-agent` shows, in one line.
#pragma once

#include <string>

#include "agent/core/state.hpp"

namespace bramble::agent {

// "welcomed by the aggregator, 3 of 4 slots busy, 2 results unsent"
std::string status_line(const State& state);

}  // namespace bramble::agent
