// The agent's small memory on disk: STATE/agent.state, lines of "name value".
#pragma once

#include <string>

#include "agent/core/config.hpp"
#include "common/base/result.hpp"

namespace bramble::runner {

// A file that is missing gives a new agent_id; so does one that was made on another machine (a cloned card).
Result<agent::Saved> load_saved(const std::string& path, const std::string& machine_id);
Status store_saved(const std::string& path, const agent::Saved& saved);

// The file's text, and back.
std::string format_saved(const agent::Saved& saved);
Result<agent::Saved> parse_saved(std::string_view text);

}  // namespace bramble::runner
