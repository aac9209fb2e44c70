// May history be deleted by what the clock says? A clock that is wrong would delete all of it. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/clock.hpp"

namespace bramble::aggregator {

// Yes when the clock is synchronised and has neither jumped nor been set for a while: since the start, or since the
// wall clock was last seen to go otherwise than the monotonic one.
class PurgeGate {
 public:
  static constexpr int64_t kJumpMs = 60'000;

  explicit PurgeGate(int64_t steady_ms) : steady_ms_(steady_ms) {}

  bool may_purge(Now now, bool synchronised) {
    const int64_t offset_ms = now.wall.ms - now.mono.ms;
    const bool jumped = !offset_ms_ || offset_ms - *offset_ms_ > kJumpMs || *offset_ms_ - offset_ms > kJumpMs;
    if (jumped || !synchronised) steady_since_ = now.mono;
    offset_ms_ = offset_ms;
    return synchronised && now.mono - steady_since_ >= steady_ms_;
  }

 private:
  const int64_t steady_ms_;
  std::optional<int64_t> offset_ms_;
  MonoTime steady_since_;
};

}  // namespace bramble::aggregator
