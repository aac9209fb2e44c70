// The configuration file's values as the daemon's parts want them.
#pragma once

#include "aggregator/config.hpp"
#include "aggregator/core/state.hpp"
#include "aggregator/store/telemetry_writer.hpp"

namespace bramble::aggregator {

Config reactor_config(const DaemonConfig& config);     // with a new `run`
PowerConfig power_config(const DaemonConfig& config);  // knows this machine and the broker's host by their names
TelemetryOptions telemetry_options(const DaemonConfig& config);

}  // namespace bramble::aggregator
