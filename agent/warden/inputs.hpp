// The files that the agent names as a task's standard input, and as files for its working directory.
#pragma once

#include <string>

#include "agent/warden/users.hpp"
#include "common/base/result.hpp"
#include "common/posix/unique_fd.hpp"
#include "common/wire/warden_messages.hpp"

namespace bramble::warden {

// Opens it with no more rights than the agent has: whoever takes the agent over must not have this process (root) read
// the machine's secrets to a task. It must be a plain file, no link, and the agent's own. `agent` null: the agent is
// this process' own user, or root.
Result<posix::UniqueFd> open_input(const std::string& path, const RunAs* agent);

// Lays the files into the working directory of a task that has not started, each to be read and run but not written.
// One that the task's user could not change wherever it meets it (another user's, mode 0555) is linked, which takes no
// time and no room whatever its size; any other one is copied, so that no task ever writes to what the agent keeps.
// `task` null: it runs as this process.
Status lay_inputs(const std::vector<wire::WardenFile>& files, const std::string& work, const RunAs* agent,
                  const RunAs* task);

}  // namespace bramble::warden
