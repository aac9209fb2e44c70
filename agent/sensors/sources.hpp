// One function or class per source of telemetry. A value that cannot be read is left out: absent is absent, not zero.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/sensors/roots.hpp"
#include "common/base/clock.hpp"

namespace bramble::sensors {

using Values = std::map<std::string, double>;  // by metric name; units last in the names

// cpu_busy_ratio: the share of time since the last reading that all CPUs together worked; absent at the first.
class CpuUsage {
 public:
  void read(const Roots& roots, Values& values);

 private:
  struct Ticks {
    uint64_t busy = 0;
    uint64_t total = 0;
  };
  static std::optional<Ticks> parse(std::string_view stat);

  std::optional<Ticks> last_;
};

void read_load(const Roots& roots, Values& values);         // load1, load5, load15
void read_memory(const Roots& roots, Values& values);       // memory_total_bytes, memory_available_bytes
void read_temperature(const Roots& roots, Values& values);  // temperature_celsius
void read_frequency(const Roots& roots, Values& values);    // cpu_frequency_hz
void read_uptime(const Roots& roots, Values& values);       // uptime_s
void read_network(const Roots& roots, Values& values);      // net_receive_bytes, net_transmit_bytes
void read_disks(const Roots& roots, Values& values);        // disk_read_bytes, disk_written_bytes
void read_free_space(const Roots& roots, Values& values);   // disk_free_bytes
void read_pressure(const Roots& roots, Values& values);     // pressure_cpu_s, pressure_memory_s, pressure_io_s

}  // namespace bramble::sensors
