// Starts a task's main process: the fast path of the warden.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "agent/warden/cgroups.hpp"
#include "agent/warden/users.hpp"
#include "common/base/result.hpp"

namespace bramble::warden {

struct SpawnRequest {
  const std::vector<std::string>* argv = nullptr;
  const std::vector<std::string>* env = nullptr;  // "NAME=value"
  std::string directory;                          // absolute
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  const RunAs* run_as = nullptr;  // null: as this process
  const TaskCgroup* cgroup = nullptr;
};

// Why a process did not become the command. Lives in memory shared with the child.
struct SpawnFailure {
  enum Step : int { none, cgroup, session, user, directory, descriptors, exec };
  int step = none;
  int error = 0;
};

struct FailureText {
  int code = 126;  // as shells have it: 127 not found, 126 cannot be run
  std::string text;
};

struct ChildPlan;

// For one thread. A child that could not become the command ends by itself; failure() tells so, at once or (where vfork
// is not to be had: under a sanitizer) when it has been waited for.
class Spawner {
 public:
  Spawner();

  // The new process: a session of its own, in its directory, no signal blocked or ignored, killed should this process
  // die. Every other descriptor of ours must be close-on-exec.
  Result<pid_t> spawn(const SpawnRequest& request);

  const SpawnFailure& failure() const { return *failure_; }

 private:
  pid_t start_child(const ChildPlan& plan);
  pid_t start_in_cgroup(const ChildPlan& plan);

  bool born_into_cgroups_;  // false: this kernel cannot
  SpawnFailure* failure_;   // never given back: lives as long as its keeper
};

FailureText describe(const SpawnFailure& failure, const std::vector<std::string>& argv,
                     const std::vector<std::string>& env);

// Where the command may be: itself if it has a '/', else in each directory of the PATH in `env`.
std::vector<std::string> candidate_paths(const std::string& command, const std::vector<std::string>& env);

// The task's environment: the spec's, with HOME, TMPDIR and PATH where absent, and PWD. `programs`, a directory, is
// looked in after all of PATH; may be empty.
std::vector<std::string> task_environment(const std::vector<std::pair<std::string, std::string>>& given,
                                          const std::string& directory, const std::string& programs = {});

}  // namespace bramble::warden
