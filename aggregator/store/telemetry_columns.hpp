// Which metrics have a column of their own in telemetry.db, and how a reading becomes scaled integers.
//
// This list is the schema: a column is added to the tables when a node first tells the metric (telemetry_schema.hpp),
// so a store has no columns that nobody fills. A new metric needs one line here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "common/wire/messages.hpp"
#include "common/wire/metrics.hpp"

namespace bramble::aggregator {

struct TelemetryColumn {
  std::string_view metric;  // as on the wire
  std::string_view column;  // of telemetry_raw
  double scale;             // column = round(metric * scale)

  constexpr bool is_counter() const { return wire::is_counter(metric); }
};

// Sorted by metric. The scales are as fine as is of use and as coarse as saves bytes: SQLite stores an integer in 1, 2,
// 3, 4, 6 or 8 bytes. Energy keeps the millijoule.
inline constexpr TelemetryColumn kTelemetryColumns[] = {
    {"card_life_used_ratio", "card_life_used_ratio_e4", 1e4},
    {"cpu_busy_ratio", "cpu_busy_ratio_e4", 1e4},
    {"cpu_frequency_hz", "cpu_frequency_mhz", 1e-6},
    {"cpu_iowait_ratio", "cpu_iowait_ratio_e4", 1e4},
    {"cpu_irq_ratio", "cpu_irq_ratio_e4", 1e4},
    {"cpu_steal_ratio", "cpu_steal_ratio_e4", 1e4},
    {"cpu_system_ratio", "cpu_system_ratio_e4", 1e4},
    {"cpu_user_ratio", "cpu_user_ratio_e4", 1e4},
    {"disk_free_bytes", "disk_free_mib", 1.0 / (1 << 20)},
    {"disk_read_bytes", "disk_read_kib", 1.0 / 1024},
    {"disk_total_bytes", "disk_total_mib", 1.0 / (1 << 20)},
    {"disk_written_bytes", "disk_written_kib", 1.0 / 1024},
    {"energy_j", "energy_mj", 1e3},
    {"energy_measured_j", "energy_measured_mj", 1e3},
    {"energy_unattributed_j", "energy_unattributed_mj", 1e3},
    {"link_speed_bps", "link_speed_kbps", 1e-3},
    {"load1", "load1_e2", 1e2},
    {"load15", "load15_e2", 1e2},
    {"load5", "load5_e2", 1e2},
    {"memory_available_bytes", "memory_available_mib", 1.0 / (1 << 20)},
    {"memory_total_bytes", "memory_total_mib", 1.0 / (1 << 20)},
    {"net_errors", "net_errors", 1},
    {"net_receive_bytes", "net_receive_kib", 1.0 / 1024},
    {"net_transmit_bytes", "net_transmit_kib", 1.0 / 1024},
    {"power_w", "power_mw", 1e3},
    {"pressure_cpu_s", "pressure_cpu_s_e1", 1e1},
    {"pressure_io_s", "pressure_io_s_e1", 1e1},
    {"pressure_memory_s", "pressure_memory_s_e1", 1e1},
    {"readings_dropped", "readings_dropped", 1},
    {"sensors_failed", "sensors_failed", 1},
    {"supply_current_a", "supply_current_ma", 1e3},
    {"supply_voltage_v", "supply_voltage_mv", 1e3},
    {"swap_used_bytes", "swap_used_mib", 1.0 / (1 << 20)},
    {"temperature_celsius", "temperature_celsius_e2", 1e2},
    {"throttled_bits", "throttled_bits", 1},
    {"under_voltage", "under_voltage", 1},
    {"uptime_s", "uptime_s", 1},
    {"wifi_signal_dbm", "wifi_signal_dbm", 1},
};
inline constexpr size_t kTelemetryColumnCount = std::size(kTelemetryColumns);
static_assert(kTelemetryColumnCount <= 64, "ScaledValues keeps who is there in 64 bits");

constexpr std::optional<size_t> column_of(std::string_view metric) {
  for (size_t i = 0; i < kTelemetryColumnCount; ++i) {
    if (kTelemetryColumns[i].metric == metric) return i;
  }
  return std::nullopt;
}

// The energy counters begin anew with the agent's life, the others with the boot.
constexpr bool begins_with_agent(size_t column) { return kTelemetryColumns[column].metric.starts_with("energy_"); }

// By the places of kTelemetryColumns. What the node did not tell is absent.
class ScaledValues {
 public:
  void set(size_t column, int64_t value) {
    values_[column] = value;
    present_ |= uint64_t{1} << column;
  }
  bool has(size_t column) const { return (present_ >> column & 1) != 0; }
  int64_t at(size_t column) const { return values_[column]; }  // has(column)
  std::optional<int64_t> operator[](size_t column) const {
    return has(column) ? std::optional(values_[column]) : std::nullopt;
  }
  uint64_t present() const { return present_; }  // bit n: column n

  bool operator==(const ScaledValues& other) const {
    for (size_t i = 0; i < kTelemetryColumnCount; ++i) {
      if ((*this)[i] != other[i]) return false;
    }
    return true;
  }

 private:
  uint64_t present_ = 0;
  std::array<int64_t, kTelemetryColumnCount> values_;  // undefined where absent
};

struct ScaledReading {
  ScaledValues values;
  std::vector<std::pair<std::string_view, double>> others;  // without a column; names are the reading's
  uint32_t refused = 0;                                     // no finite number of a sane size, or a counter below 0
};

ScaledReading scale_reading(const wire::Telemetry& reading);

}  // namespace bramble::aggregator
