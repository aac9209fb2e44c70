// The names of the metrics that bramble's own sensors tell, and which of them only ever count up.
//
// Units stand last. Other names (people's own sensors) follow the rule for names and are gauges as far as bramble
// knows.
#pragma once

#include <array>
#include <string_view>

namespace bramble::wire {

enum class MetricKind {
  gauge,    // a state; may go up and down
  counter,  // counts up, and anew from 0 with the boot or the agent: a value below its predecessor counts from 0
};

struct Metric {
  std::string_view name;
  MetricKind kind = MetricKind::gauge;
};

inline constexpr std::array kMetrics = {
    Metric{
        "cpu_busy_ratio"},  // the share of all cores' time since the reading before; the states below are parts of it
    Metric{"cpu_user_ratio"},
    Metric{"cpu_system_ratio"},
    Metric{"cpu_iowait_ratio"},  // idle, with I/O outstanding: no part of busy
    Metric{"cpu_irq_ratio"},
    Metric{"cpu_steal_ratio"},  // taken by the hypervisor: no part of busy
    Metric{"load1"},
    Metric{"load5"},
    Metric{"load15"},
    Metric{"memory_total_bytes"},
    Metric{"memory_available_bytes"},
    Metric{"swap_used_bytes"},
    Metric{"pressure_cpu_s", MetricKind::counter},
    Metric{"pressure_memory_s", MetricKind::counter},
    Metric{"pressure_io_s", MetricKind::counter},
    Metric{"temperature_celsius"},
    Metric{"cpu_frequency_hz"},
    Metric{"disk_read_bytes", MetricKind::counter},
    Metric{"disk_written_bytes", MetricKind::counter},
    Metric{"disk_free_bytes"},
    Metric{"disk_total_bytes"},
    Metric{"card_life_used_ratio"},  // 1: the card's own estimate of its life is used up
    Metric{"net_receive_bytes", MetricKind::counter},
    Metric{"net_transmit_bytes", MetricKind::counter},
    Metric{"net_errors", MetricKind::counter},
    Metric{"link_speed_bps"},
    Metric{"wifi_signal_dbm"},
    Metric{"uptime_s", MetricKind::counter},
    Metric{"throttled_bits"},  // the firmware's GET_THROTTLED, as a number
    Metric{"under_voltage"},   // 0 or 1, now
    Metric{"supply_voltage_v"},
    Metric{"supply_current_a"},
    Metric{"power_w"},
    Metric{"energy_j", MetricKind::counter},               // of the node, since its agent's life began
    Metric{"energy_measured_j", MetricKind::counter},      // the part of it that was measured, not modelled
    Metric{"energy_unattributed_j", MetricKind::counter},  // the part of it that no attempt is charged with
    Metric{"sensors_failed"},                         // sources that cannot be read though they should; absent: none
    Metric{"readings_dropped", MetricKind::counter},  // never to be sent: thinned out while the node was cut off
};

constexpr bool is_counter(std::string_view name) {
  for (const Metric& metric : kMetrics) {
    if (metric.name == name) return metric.kind == MetricKind::counter;
  }
  return false;
}

inline constexpr double kMaxPowerW = 10'000;  // no node draws a tenth of it

// Why the sender of such a finite value is broken; nullptr: it may be right.
constexpr const char* why_impossible(std::string_view name, double value) {
  if (value < 0 && is_counter(name)) return "a counter must not be negative";
  if (name == "power_w" && (value < 0 || value > kMaxPowerW)) return "must be from 0 to 10000 W";
  return nullptr;
}

}  // namespace bramble::wire
