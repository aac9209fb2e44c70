// What Mosquitto lets each identity do (its acl_file). Pure.
#pragma once

#include <string>
#include <vector>

namespace bramble::aggregator {

// A node writes and reads under its own name alone, and reads that the aggregator is there; who is not named may
// nothing. Names are those of certificates. Only the aggregator, on a listener of its own, hands out work.
std::string access_list(const std::string& cluster, const std::vector<std::string>& nodes);

}  // namespace bramble::aggregator
