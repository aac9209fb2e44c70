// Who this machine is, from boot to boot.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::posix {

struct MachineIdentity {
  std::string machine_id;  // the same from boot to boot
  std::string boot_id;     // new at each boot
};

struct MachineOptions {
  std::string root;        // put in front of /etc and /proc; for tests
  std::string machine_id;  // instead of the machine's own: many nodes on one machine
  std::string boot_id;
};

// The first part of the host's name; empty if it has none.
std::string host_name();

// Numeric addresses of the interfaces that are up, but loopback and link-local ones; IPv4 first.
std::vector<std::string> local_addresses();

// Of the two the one that every Linux has; a container may lack the machine's.
Result<std::string> read_boot_id(const MachineOptions& options = {});

Result<MachineIdentity> read_machine_identity(const MachineOptions& options = {});

}  // namespace bramble::posix
