// What `systemctl status bramble-aggregator` shows, in one line.
#pragma once

#include <string>

#include "aggregator/core/state.hpp"

namespace bramble::aggregator {

// "16 nodes (1 silent), 340 tasks queued, 12 running"
std::string status_line(const State& state);

}  // namespace bramble::aggregator
