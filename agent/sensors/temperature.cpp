// The first thermal zone, in thousandths of a degree: on a Raspberry Pi the SoC.
#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {

void read_temperature(const Roots& roots, Values& values) {
  const auto millidegrees = read_number<double>(roots.sys + "/class/thermal/thermal_zone0/temp");
  if (millidegrees) values["temperature_celsius"] = *millidegrees / 1000;
}

}  // namespace bramble::sensors
