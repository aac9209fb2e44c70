#include "agent/sensors/source.hpp"

namespace bramble::sensors {

void SeldomSource::read(Probe& probe) {
  if (!looked_ || probe.now - *looked_ >= interval_ms_) {
    looked_ = probe.now;
    agent::Reading seen;
    Probe look(probe.roots, probe.now, seen);
    look_(look);
    values_ = std::move(seen.values);
    complaint_ = look.complaint();
  }
  if (!complaint_.empty()) probe.trouble(complaint_);
  for (const auto& [name, value] : values_) probe.reading.values[name] = value;
}

}  // namespace bramble::sensors
