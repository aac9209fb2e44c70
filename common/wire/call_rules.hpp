// How calls are to be answered; part of a task's spec.
#pragma once

#include <cstdint>

namespace bramble::wire {

inline constexpr uint32_t kMaxCallRetries = 10;  // fewer than the deaths in a row that end a batch
inline constexpr int64_t kMaxCallLimitMs = int64_t{366} * 24 * 3600 * 1000;
inline constexpr int64_t kMaxIdleMs = int64_t{24} * 3600 * 1000;  // a kernel at rest keeps its memory

// For tasks that are calls: argv is a kernel, a resident process that answers many of them, and the standard input is a
// batch (call_frames.hpp).
struct CallRules {
  int64_t limit_ms = 60'000;  // for one call; 0: none
  int64_t idle_ms = 60'000;   // a kernel that has had no batch for so long is ended
  uint32_t retries = 0;       // further tries of a call during which the kernel died

  bool operator==(const CallRules&) const = default;
};

}  // namespace bramble::wire
