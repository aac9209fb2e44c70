// What this machine is: read once, for the node's status and its power model.
#pragma once

#include <cstdint>
#include <string>

#include "agent/sensors/board.hpp"

namespace bramble::sensors {

struct Hardware {
  Board board;
  std::string arch;            // of the programs that it runs, as uname says it: aarch64, armv7l, x86_64
  uint32_t cores = 1;          // that this process may use
  uint32_t machine_cores = 1;  // that work, whoever may use them
  uint64_t memory_bytes = 0;
};

// A system of 32 bits often runs on a kernel of 64 (Raspberry Pi OS on a Pi 4): what counts is the system.
std::string system_arch(const std::string& kernel_arch, bool has_64_bits);

Hardware read_hardware(const Roots& roots);

}  // namespace bramble::sensors
