// The configuration file's values as the daemon's parts want them.
#pragma once

#include "aggregator/config.hpp"
#include "aggregator/core/state.hpp"
#include "aggregator/store/telemetry_writer.hpp"

namespace bramble::aggregator {

Config reactor_config(const DaemonConfig& config);  // with a new `run`
TelemetryOptions telemetry_options(const DaemonConfig& config);

}  // namespace bramble::aggregator
