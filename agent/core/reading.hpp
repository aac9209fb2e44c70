// One look at everything that the node can tell, as the sensors hand it over. Plain values.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/base/clock.hpp"

namespace bramble::agent {

struct Reading {
  MonoTime taken;
  std::map<std::string, double> values;   // by metric name (common/wire/metrics.hpp); what cannot be told is absent
  std::optional<double> power_w;          // measured; absent: the reactor models it
  std::optional<double> frequency_ratio;  // of the CPUs' clock to the highest that they have
  double busy_cpu_s = 0;                  // CPU time of the whole node since the reading before
};

}  // namespace bramble::agent
