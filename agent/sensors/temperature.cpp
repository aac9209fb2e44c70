// The first thermal zone, in thousandths of a degree: on a Raspberry Pi the SoC.
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {

void read_temperature(Probe& probe) {
  const auto millidegrees = probe.number(probe.roots.sys + "/class/thermal/thermal_zone0/temp");
  if (millidegrees) probe.set("temperature_celsius", *millidegrees / 1000);
}

}  // namespace bramble::sensors
