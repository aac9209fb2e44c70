// The only place that asks the kernel for the time.
#pragma once

#include "common/base/clock.hpp"

namespace bramble::posix {

MonoTime mono_now();  // CLOCK_BOOTTIME
WallTime wall_now();  // CLOCK_REALTIME
inline Now now() { return {mono_now(), wall_now()}; }

// Whether some service keeps this machine's clock right, by the kernel's word (adjtimex); where a sandbox forbids to
// ask the kernel, by systemd-timesyncd's. Where nobody says so it is not.
bool is_clock_synchronised();

}  // namespace bramble::posix
