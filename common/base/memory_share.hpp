// How much of a machine's memory its tasks may have together. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

namespace bramble {

// What is left to the system, the agent and the warden: an eighth, within these. Without it a task that asked for no
// limit evicts the programs of everybody, and the machine stands still for minutes before its kernel kills anything.
inline constexpr uint64_t kMinReserveBytes = uint64_t{96} << 20;
inline constexpr uint64_t kMaxReserveBytes = uint64_t{512} << 20;

// All of it where the machine is too small to share.
constexpr uint64_t memory_for_tasks(uint64_t machine_bytes) {
  if (machine_bytes <= 2 * kMinReserveBytes) return machine_bytes;
  return machine_bytes - std::clamp(machine_bytes / 8, kMinReserveBytes, kMaxReserveBytes);
}

}  // namespace bramble
