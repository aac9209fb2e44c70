// Every source of telemetry. Absent is absent, not zero.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "agent/sensors/checkup.hpp"
#include "agent/sensors/drop_ins.hpp"
#include "agent/sensors/firmware.hpp"
#include "agent/sensors/hwmon.hpp"
#include "agent/sensors/source.hpp"

namespace bramble::sensors {

// /proc/stat: cpu_*_ratio, since the look before (absent at the first), and Reading::busy_cpu_s.
class CpuSource : public Source {
 public:
  CpuSource() : Source("cpu") {}
  void read(Probe& probe) override;

 private:
  struct Ticks {
    uint64_t user = 0, system = 0, idle = 0, iowait = 0, irq = 0, steal = 0;
    uint64_t busy() const { return user + system + irq; }
    uint64_t total() const { return busy() + idle + iowait + steal; }
  };
  static std::optional<Ticks> parse(std::string_view stat);

  std::optional<Ticks> last_;
};

// cpufreq: cpu_frequency_hz and Reading::frequency_ratio.
class FrequencySource : public Source {
 public:
  FrequencySource() : Source("frequency") {}
  void read(Probe& probe) override;

 private:
  std::optional<double> highest_khz_;
};

// throttled_bits, under_voltage: from the firmware, else from sysfs.
class ThrottlingSource : public Source {
 public:
  explicit ThrottlingSource(std::shared_ptr<Firmware> firmware)
      : Source("throttling"), firmware_(std::move(firmware)) {}
  void read(Probe& probe) override;

 private:
  std::optional<uint32_t> bits(Probe& probe);

  std::shared_ptr<Firmware> firmware_;
  std::string refused_;  // why the firmware does not answer; empty: it does, or there is none
  MonoTime ask_again_;
  HwmonIndex hwmon_;
};

// Reading::power_w, supply_voltage_v and supply_current_a, from the first meter that there is: INA219, INA226, INA3221;
// the PoE+ HAT; the Pi 5's PMIC.
class PowerSource : public Source {
 public:
  PowerSource(std::shared_ptr<Firmware> firmware, bool has_pmic)
      : Source("power"), firmware_(std::move(firmware)), has_pmic_(has_pmic) {}
  void read(Probe& probe) override;

 private:
  bool read_ina(Probe& probe);
  bool read_pmic(Probe& probe);

  std::shared_ptr<Firmware> firmware_;
  bool has_pmic_;
  HwmonIndex hwmon_;
  bool had_ina_ = false;
};

void read_load(Probe& probe);         // load1, load5, load15
void read_memory(Probe& probe);       // memory_total_bytes, memory_available_bytes, swap_used_bytes
void read_temperature(Probe& probe);  // temperature_celsius
void read_uptime(Probe& probe);       // uptime_s
void read_network(Probe& probe);      // net_receive_bytes, net_transmit_bytes, net_errors
void read_wifi(Probe& probe);         // wifi_signal_dbm
void read_link(Probe& probe);         // link_speed_bps
void read_disks(Probe& probe);        // disk_read_bytes, disk_written_bytes
void read_space(Probe& probe);        // disk_free_bytes, disk_total_bytes
void read_card(Probe& probe);         // card_life_used_ratio
void read_pressure(Probe& probe);     // pressure_cpu_s, pressure_memory_s, pressure_io_s
bool read_poe(Probe& probe);          // of PowerSource; false: there is no such HAT

// All of them, for the machine that the roots show; without `checkup` it does not look for what is amiss.
std::vector<std::unique_ptr<Source>> all_sources(const Roots& roots, std::shared_ptr<Firmware> firmware,
                                                 DropInOptions drop_ins = {},
                                                 std::optional<CheckupOptions> checkup = {});

}  // namespace bramble::sensors
