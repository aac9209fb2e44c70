// The lease: for how long a node may believe that the aggregator still counts on it. Pure arithmetic, for both ends.
//
// The node counts from the moment at which it sent the beat that was answered, the aggregator from the moment at which
// it received that beat, which is later; each uses its own monotonic clock. So the node's end comes first as long as
// the two clocks run at rates that differ by at most kLeaseDriftPercent, and its warden kills within kLeaseKillGraceMs.
// What the arithmetic cannot promise: a process that cannot be killed (D state, a hung kernel). Only power or a new
// boot proves that one dead.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/base/clock.hpp"

namespace bramble {

inline constexpr int64_t kDefaultLeaseMs = 20'000;
inline constexpr int64_t kLeaseDriftPercent = 1;     // crystals differ by 0.01 %; the rest is for a clock being slewed
inline constexpr int64_t kLeaseKillGraceMs = 2'000;  // from the lease's end until the warden's kill has worked

// On the node: its tasks with a lease are killed then.
constexpr MonoTime lease_end(MonoTime beat_sent, int64_t lease_ms) { return beat_sent + lease_ms; }

// On the aggregator: from then on it is proved that they are dead.
constexpr MonoTime lease_proof(MonoTime beat_received, int64_t lease_ms) {
  return beat_received + lease_ms + (lease_ms * kLeaseDriftPercent + 99) / 100 + kLeaseKillGraceMs;
}

// The shortest lease that a healthy node outlives when the broker restarts: a beat may just have been missed, the agent
// waits for its longest back-off (a quarter of jitter on top) before it connects again, is welcomed, and its first beat
// must be answered. Nor may a lease end before the node counts as lost.
constexpr int64_t lease_floor_ms(int64_t beat_ms, int64_t max_backoff_ms, int64_t loss_ms) {
  return std::max(2 * beat_ms + max_backoff_ms + max_backoff_ms / 4 + 2 * beat_ms, loss_ms + beat_ms);
}

}  // namespace bramble
