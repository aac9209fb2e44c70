// One look at everything that the node can tell, as the sensors hand it over. Plain values.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.hpp"
#include "common/wire/messages.hpp"

namespace bramble::agent {

struct Reading {
  MonoTime taken;
  std::map<std::string, double> values;   // by metric name (common/wire/metrics.hpp); what cannot be told is absent
  std::optional<double> power_w;          // measured; absent: the reactor models it
  std::optional<double> frequency_ratio;  // of the CPUs' clock to the highest that they have
  // What the node finds amiss with itself; absent: it has not looked. Shared, for it hardly ever changes.
  std::shared_ptr<const std::vector<wire::Finding>> findings;
  double busy_cpu_s = 0;     // CPU time of the whole node since the reading before
  std::string trouble = {};  // of the sensors that fail, for people; empty: none
};

}  // namespace bramble::agent
