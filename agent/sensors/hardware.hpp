// What this machine is: read once, for the node's status.
#pragma once

#include <cstdint>
#include <string>

#include "agent/sensors/roots.hpp"

namespace bramble::sensors {

struct Hardware {
  std::string model;   // of the device tree, else of the firmware, else the processor's; may be empty
  std::string arch;    // as uname says: aarch64, armv7l, x86_64
  uint32_t cores = 1;  // that this process may use
  uint64_t memory_bytes = 0;
};

Hardware read_hardware(const Roots& roots);

}  // namespace bramble::sensors
