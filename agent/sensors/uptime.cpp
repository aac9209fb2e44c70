// /proc/uptime
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {

void read_uptime(Probe& probe) {
  if (const auto seconds = probe.number(probe.roots.proc + "/uptime")) probe.set("uptime_s", *seconds);
}

}  // namespace bramble::sensors
