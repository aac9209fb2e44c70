// /proc/uptime
#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {

void read_uptime(const Roots& roots, Values& values) {
  if (const auto seconds = read_number<double>(roots.proc + "/uptime")) values["uptime_s"] = *seconds;
}

}  // namespace bramble::sensors
