// `bramble-agent --join FILE`, and the wait for it.
#pragma once

#include <string>

#include "agent/settings.hpp"
#include "common/base/result.hpp"

namespace bramble::agent {

// Takes the join file ("-": standard input) for the agent with this configuration. Returns the exit status.
Result<int> join_node(const std::string& config_path, const std::string& file);

// Says what to do, and returns true when the node is joined, false on SIGTERM or SIGINT.
bool wait_until_joined(const Settings& settings);

}  // namespace bramble::agent
