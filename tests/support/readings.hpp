// Readings for tests of the store.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "aggregator/core/store.hpp"

namespace bramble::test {

struct ReadingOf {
  std::string node = "pi1";
  int64_t received_ms = 0;
  std::map<std::string, double> values;
  int64_t age_ms = 0;
  uint64_t run = 0;
  uint64_t number = 1;
  bool power_measured = false;
};

inline aggregator::TelemetryRow make_row(const ReadingOf& of) {
  wire::Telemetry reading;
  reading.number = of.number;
  reading.age_ms = of.age_ms;
  reading.run = of.run;
  reading.power_measured = of.power_measured;
  reading.values = of.values;
  return {of.node, {of.received_ms}, std::make_shared<const wire::Telemetry>(std::move(reading))};
}

}  // namespace bramble::test
