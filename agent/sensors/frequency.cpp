// cpufreq of the first CPU, in kHz: on a Raspberry Pi all cores share one clock.
#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {

void read_frequency(const Roots& roots, Values& values) {
  const auto khz = read_number<double>(roots.sys + "/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq");
  if (khz) values["cpu_frequency_hz"] = *khz * 1000;
}

}  // namespace bramble::sensors
