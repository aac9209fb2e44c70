// cpufreq of the first CPU, in kHz: on a Raspberry Pi all cores share one clock.
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {

void FrequencySource::read(Probe& probe) {
  const std::string cpufreq = probe.roots.sys + "/devices/system/cpu/cpu0/cpufreq/";
  const auto khz = probe.number(cpufreq + "scaling_cur_freq");
  if (!khz) return;
  probe.set("cpu_frequency_hz", *khz * 1000);
  if (!highest_khz_) highest_khz_ = probe.number(cpufreq + "cpuinfo_max_freq");
  if (highest_khz_ && *highest_khz_ > 0) probe.reading.frequency_ratio = std::min(1.0, *khz / *highest_khz_);
}

}  // namespace bramble::sensors
