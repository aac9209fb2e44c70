// The files that the agent names as a task's standard input.
#pragma once

#include <string>

#include "agent/warden/users.hpp"
#include "common/base/result.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::warden {

// Opens it with no more rights than the agent has: whoever takes the agent over must not have this process (root) read
// the machine's secrets to a task. It must be a plain file, no link, and the agent's own. `agent` null: the agent is
// this process' own user, or root.
Result<posix::UniqueFd> open_input(const std::string& path, const RunAs* agent);

}  // namespace bramble::warden
