// A keeper: a resident child of the warden, one for each slot. It runs one task at a time, knows all that comes of it,
// and kills it all when the task ends, when it is told to, or when the warden is gone.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "agent/warden/cgroups.hpp"
#include "agent/warden/layout.hpp"
#include "agent/warden/sandbox.hpp"
#include "agent/warden/users.hpp"
#include "common/base/result.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::warden {

struct KeeperOptions {
  Layout layout;
  uint32_t slot = 0;
  const RunAs* run_as = nullptr;  // null: tasks run as the warden does
  const RunAs* agent = nullptr;   // null: the agent's files are read as this process may
  std::string cgroup;             // the slot's control group; empty: there are none
  Controllers controllers;
  Sandbox sandbox;
  std::string kernels;  // where programs of kernels are looked for first; empty: nowhere else than other commands
  bool empties_trash = false;
};

struct KeeperHandle {
  pid_t pid = 0;
  posix::UniqueFd channel;  // frames: requests start and kill go in; reports started, output and exited come out
};

// Forks a keeper and returns when it holds its slot's lock. The caller must have one thread only.
Result<KeeperHandle> start_keeper(const KeeperOptions& options);

}  // namespace bramble::warden
