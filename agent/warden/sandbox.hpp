// The sandbox of a task that asks for one (--isolate sandbox), made by bubblewrap: the system read-only, a /tmp of its
// own, pid and ipc namespaces, and no network unless it is asked for. It can write to its working directory, /tmp and
// /dev/shm and to nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/warden/spawn.hpp"
#include "agent/warden/users.hpp"
#include "common/base/result.hpp"
#include "common/posix/process.hpp"
#include "common/wire/messages.hpp"

namespace bramble::warden {

// What this node can do.
struct Sandbox {
  std::string bwrap;    // absolute
  std::string why_not;  // empty: it works
  bool always = false;  // every task, whether it asks or not

  bool wanted_by(const wire::TaskSpec& spec) const { return always || spec.isolate == wire::Isolation::sandbox; }
};

// By running one, for at most 10 s. `bwrap` empty: where Debian or an administrator would put it. `state` is the
// warden's directory.
Sandbox try_sandbox(const std::string& bwrap, const std::string& state, const RunAs* run_as);

// The command line that runs `spec.argv` in `work`, of which everything else below `state` is hidden.
std::vector<std::string> sandbox_argv(const std::string& bwrap, const std::string& state, const std::string& work,
                                      const wire::TaskSpec& spec);

// bwrap would end with status 1 and tell standard error: said beforehand, as without a sandbox.
std::optional<FailureText> missing_command(const std::vector<std::string>& argv, const std::vector<std::string>& env,
                                           const std::string& work);

// bwrap ends with 128 + n for a command that signal n ended. (So does a command that itself exits with that.)
posix::ExitStatus end_inside(posix::ExitStatus outside);

}  // namespace bramble::warden
