// Watts from a model: idle plus the share of the CPUs' time that they worked. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "agent/sensors/sources.hpp"

namespace bramble::sensors {

struct PowerCoefficients {
  double idle_w = 0;
  double busy_w = 0;  // all cores working
};

// Published figures at the wall for a device-tree model; for another machine a rough default. Idle varies up to twofold
// between reports, so the agent's configuration may give its own.
PowerCoefficients coefficients_for(std::string_view model);

// power_w, and energy_j: joules since the agent started, which never go back. Both absent while cpu_busy_ratio is.
class PowerModel {
 public:
  explicit PowerModel(PowerCoefficients coefficients) : coefficients_(coefficients) {}

  void add(MonoTime now, Values& values);

 private:
  struct Reading {
    MonoTime time;
    double power_w = 0;
  };

  PowerCoefficients coefficients_;
  std::optional<Reading> last_;
  double energy_j_ = 0;
};

}  // namespace bramble::sensors
