// Time, monotonic and wall apart, so that one can never be taken for the other.
//
// Reactors never read a clock: they are handed a Now. Only common/posix/system_clock.hpp asks the kernel.
#pragma once

#include <compare>
#include <cstdint>

namespace bramble {

// Milliseconds of a clock that never steps and that counts suspended time (CLOCK_BOOTTIME). Its zero means nothing
// outside one boot of one machine.
struct MonoTime {
  int64_t ms = 0;

  auto operator<=>(const MonoTime&) const = default;
  constexpr MonoTime operator+(int64_t add_ms) const { return {ms + add_ms}; }
  constexpr int64_t operator-(MonoTime earlier) const { return ms - earlier.ms; }
};

// Milliseconds since 1970-01-01 UTC as the machine believes; may jump both ways. For people and for stored rows.
struct WallTime {
  int64_t ms = 0;

  auto operator<=>(const WallTime&) const = default;
};

struct Now {
  MonoTime mono;
  WallTime wall;
};

}  // namespace bramble
