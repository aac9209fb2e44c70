#include "agent/sensors/power.hpp"

#include <array>
#include <utility>

namespace bramble::sensors {

PowerCoefficients coefficients_for(std::string_view model) {
  struct Entry {
    std::string_view model;
    PowerCoefficients coefficients;
  };
  constexpr std::array<Entry, 7> kTable = {{
      {"Raspberry Pi Zero 2", {0.6, 2.5}},
      {"Raspberry Pi 3", {2.5, 5.3}},
      {"Raspberry Pi 4", {2.6, 5.0}},
      {"Raspberry Pi Compute Module 4", {2.5, 4.6}},
      {"Raspberry Pi Compute Module 5", {2.4, 8.5}},
      {"Raspberry Pi 500", {3.1, 9.0}},
      {"Raspberry Pi 5", {3.1, 9.0}},
  }};
  for (const Entry& entry : kTable) {
    if (model.starts_with(entry.model)) return entry.coefficients;
  }
  return {5.0, 15.0};
}

void PowerModel::add(MonoTime now, Values& values) {
  const auto busy = values.find("cpu_busy_ratio");
  if (busy == values.end()) return;
  const double power_w = coefficients_.idle_w + (coefficients_.busy_w - coefficients_.idle_w) * busy->second;
  if (last_) {
    const double seconds = static_cast<double>(now - last_->time) / 1000;
    energy_j_ += (last_->power_w + power_w) / 2 * seconds;
  }
  last_ = Reading{now, power_w};
  values["power_w"] = power_w;
  values["energy_j"] = energy_j_;
}

}  // namespace bramble::sensors
