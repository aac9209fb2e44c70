// All sources together: one reading of everything.
#pragma once

#include "agent/sensors/power.hpp"
#include "agent/sensors/sources.hpp"
#include "common/wire/messages.hpp"

namespace bramble::sensors {

class Sensors {
 public:
  Sensors(Roots roots, PowerCoefficients power) : roots_(std::move(roots)), power_(power) {}

  // number and wall_ms are left to the caller.
  wire::Telemetry read(MonoTime now);

 private:
  Roots roots_;
  CpuUsage cpu_;
  PowerModel power_;
};

}  // namespace bramble::sensors
