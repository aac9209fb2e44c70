// Which metrics telemetry.db has a column for, and how a reading becomes scaled integers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/wire/messages.hpp"

namespace bramble::aggregator {

struct TelemetryColumn {
  std::string_view metric;  // as on the wire
  std::string_view column;  // of telemetry_raw
  double scale;             // column = round(metric * scale)
};

// Sorted by metric.
inline constexpr TelemetryColumn kTelemetryColumns[] = {
    {"cpu_busy_ratio", "cpu_busy_ratio_e4", 1e4},
    {"cpu_frequency_hz", "cpu_frequency_mhz", 1e-6},
    {"disk_free_bytes", "disk_free_kib", 1.0 / 1024},
    {"disk_read_bytes", "disk_read_bytes", 1},
    {"disk_written_bytes", "disk_written_bytes", 1},
    {"energy_j", "energy_mj", 1e3},
    {"load1", "load1_e2", 1e2},
    {"load15", "load15_e2", 1e2},
    {"load5", "load5_e2", 1e2},
    {"memory_available_bytes", "memory_available_kib", 1.0 / 1024},
    {"memory_total_bytes", "memory_total_kib", 1.0 / 1024},
    {"net_receive_bytes", "net_receive_bytes", 1},
    {"net_transmit_bytes", "net_transmit_bytes", 1},
    {"power_w", "power_mw", 1e3},
    {"pressure_cpu_s", "pressure_cpu_ms", 1e3},
    {"pressure_io_s", "pressure_io_ms", 1e3},
    {"pressure_memory_s", "pressure_memory_ms", 1e3},
    {"temperature_celsius", "temperature_celsius_e2", 1e2},
    {"uptime_s", "uptime_s", 1},
};
inline constexpr size_t kTelemetryColumnCount = std::size(kTelemetryColumns);

// In the order of kTelemetryColumns; absent: the node did not tell.
using ScaledValues = std::array<std::optional<int64_t>, kTelemetryColumnCount>;

// Adds to `unknown` the values that have no column or are no finite number of a sane size.
ScaledValues scale_reading(const wire::Telemetry& reading, uint64_t& unknown);

// "INSERT OR REPLACE INTO telemetry_raw (ts_ms, node_id, power_measured, <columns>) VALUES (?, ?, ...)"
std::string insert_telemetry_sql();

}  // namespace bramble::aggregator
