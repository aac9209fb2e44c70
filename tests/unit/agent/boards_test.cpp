// Whole boards, as their /proc and /sys look: every value that each of them tells.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/sensors/hardware.hpp"
#include "support/places.hpp"
#include "unit/agent/sensor_looks.hpp"

namespace bramble::sensors {
namespace {

using ::testing::IsEmpty;

// Between the two looks: 1,000 ticks of all cores on a Zero 2 W and so on, as the fixtures' stat files say.
Looks look_at(const std::string& board) {
  const std::string root = std::string(test::kSourceDir) + "/tests/fixtures/boards/" + board;
  Roots before{root + "/before/proc", root + "/before/sys", root + "/before/dev", {}};
  Roots roots{root + "/proc", root + "/sys", root + "/dev", {}};
  Looks looks(all_sources(roots, std::make_shared<FileFirmware>(root + "/firmware")));
  looks.look(before, {1000});
  looks.look(roots, {100'000});
  return looks;
}

void expect_values(const agent::Reading& reading, const std::map<std::string, double>& expected) {
  for (const auto& [name, value] : expected) {
    const auto found = reading.values.find(name);
    ASSERT_NE(found, reading.values.end()) << name << " is missing";
    EXPECT_NEAR(found->second, value, 1e-9 + value * 1e-12) << name;
  }
  for (const auto& [name, value] : reading.values) EXPECT_TRUE(expected.contains(name)) << name << " = " << value;
}

TEST(Boards, Zero2WWithAnIna219) {
  const Looks looks = look_at("zero2w");
  EXPECT_THAT(looks.complaints, IsEmpty());
  expect_values(looks.reading, {{"cpu_busy_ratio", 0.4},
                                {"cpu_user_ratio", 0.3},
                                {"cpu_system_ratio", 0.08},
                                {"cpu_iowait_ratio", 0.1},
                                {"cpu_irq_ratio", 0.02},
                                {"cpu_steal_ratio", 0},
                                {"load1", 0.31},
                                {"load5", 0.22},
                                {"load15", 0.18},
                                {"memory_total_bytes", 436652.0 * 1024},
                                {"memory_available_bytes", 262144.0 * 1024},
                                {"swap_used_bytes", 20480.0 * 1024},
                                {"uptime_s", 86400.25},
                                {"temperature_celsius", 43.47},
                                {"cpu_frequency_hz", 600e6},
                                {"net_receive_bytes", 5120000},
                                {"net_transmit_bytes", 1024000},
                                {"net_errors", 5},
                                {"wifi_signal_dbm", -61},
                                {"disk_read_bytes", 200000 * 512},
                                {"disk_written_bytes", 400000.0 * 512},
                                {"under_voltage", 0},
                                {"supply_voltage_v", 5.108},
                                {"supply_current_a", 0.164}});
  EXPECT_DOUBLE_EQ(looks.reading.power_w.value(), 0.84);
  EXPECT_DOUBLE_EQ(looks.reading.frequency_ratio.value(), 0.6);
  EXPECT_DOUBLE_EQ(looks.reading.busy_cpu_s, 4);
}

TEST(Boards, ThreeBPlusWithTooLittleVoltageAndNoMeter) {
  const Looks looks = look_at("3b-plus");
  EXPECT_THAT(looks.complaints, IsEmpty());
  expect_values(looks.reading, {{"cpu_busy_ratio", 530.0 / 800},
                                {"cpu_user_ratio", 400.0 / 800},
                                {"cpu_system_ratio", 100.0 / 800},
                                {"cpu_iowait_ratio", 10.0 / 800},
                                {"cpu_irq_ratio", 30.0 / 800},
                                {"cpu_steal_ratio", 0},
                                {"load1", 2.01},
                                {"load5", 1.52},
                                {"load15", 1.11},
                                {"memory_total_bytes", 945364.0 * 1024},
                                {"memory_available_bytes", 731204.0 * 1024},
                                {"swap_used_bytes", 0},
                                {"uptime_s", 1209600.5},
                                {"temperature_celsius", 61.224},
                                {"cpu_frequency_hz", 1.2e9},
                                {"net_receive_bytes", 700100200},
                                {"net_transmit_bytes", 90100200},
                                {"net_errors", 9},
                                {"link_speed_bps", 1e9},
                                {"disk_read_bytes", 900000.0 * 512},
                                {"disk_written_bytes", 1800000.0 * 512},
                                {"pressure_cpu_s", 2.5},
                                {"pressure_memory_s", 0.001},
                                {"pressure_io_s", 7.25},
                                {"under_voltage", 1}});
  EXPECT_FALSE(looks.reading.power_w);
}

TEST(Boards, FourBOnAPoePlusHat) {
  const Looks looks = look_at("4b");
  EXPECT_THAT(looks.complaints, IsEmpty());
  expect_values(looks.reading, {{"cpu_busy_ratio", 0.9},
                                {"cpu_user_ratio", 0.5},
                                {"cpu_system_ratio", 0.375},
                                {"cpu_iowait_ratio", 0.1},
                                {"cpu_irq_ratio", 0.025},
                                {"cpu_steal_ratio", 0},
                                {"load1", 0.52},
                                {"load5", 0.58},
                                {"load15", 0.59},
                                {"memory_total_bytes", 3884404.0 * 1024},
                                {"memory_available_bytes", 3312000.0 * 1024},
                                {"swap_used_bytes", 0},
                                {"uptime_s", 432000},
                                {"temperature_celsius", 48.312},
                                {"cpu_frequency_hz", 1.5e9},
                                {"net_receive_bytes", 1002000},
                                {"net_transmit_bytes", 501000},
                                {"net_errors", 0},
                                {"wifi_signal_dbm", -50},
                                {"link_speed_bps", 100e6},
                                {"disk_read_bytes", 21000 * 512},
                                {"disk_written_bytes", 82000 * 512},
                                {"pressure_cpu_s", 2.5},
                                {"pressure_memory_s", 1},
                                {"pressure_io_s", 7.25},
                                {"throttled_bits", 0x50000},
                                {"under_voltage", 0},
                                {"supply_current_a", 0.924}});
  EXPECT_DOUBLE_EQ(looks.reading.power_w.value(), 0.924 * 5);
}

TEST(Boards, FiveByItsPmic) {
  const Looks looks = look_at("5");
  EXPECT_THAT(looks.complaints, IsEmpty());
  expect_values(looks.reading, {{"cpu_busy_ratio", 390.0 / 400},
                                {"cpu_user_ratio", 380.0 / 400},
                                {"cpu_system_ratio", 10.0 / 400},
                                {"cpu_iowait_ratio", 10.0 / 400},
                                {"cpu_irq_ratio", 0},
                                {"cpu_steal_ratio", 0},
                                {"load1", 3.9},
                                {"load5", 2.1},
                                {"load15", 0.9},
                                {"memory_total_bytes", 8256704.0 * 1024},
                                {"memory_available_bytes", 7654321.0 * 1024},
                                {"swap_used_bytes", 0},
                                {"uptime_s", 3600.75},
                                {"temperature_celsius", 58.7},
                                {"cpu_frequency_hz", 2.4e9},
                                {"net_receive_bytes", 88000000},
                                {"net_transmit_bytes", 44000000},
                                {"net_errors", 0},
                                {"link_speed_bps", 1e9},
                                {"disk_read_bytes", 4003000.0 * 512},
                                {"disk_written_bytes", 9000100.0 * 512},
                                {"pressure_cpu_s", 123.456789},
                                {"pressure_memory_s", 0},
                                {"pressure_io_s", 0.5},
                                {"throttled_bits", 0},
                                {"under_voltage", 0},
                                {"supply_voltage_v", 5.05716}});
  const double rails_w = 0.09 * 3.7 + 0.1 * 3.3 + 0.2 * 1.8 + 0.03 * 1.1 + 0.2 * 1.1 + 0.3 * 0.8 + 1.4288 * 0.75 +
                         0.00006105 * 3.3 + 0.004 * 0.8 + 0.02 * 5;
  EXPECT_NEAR(looks.reading.power_w.value(), rails_w, 1e-9);
}

TEST(Boards, Cm4WithAnIna3221AndAnEmmc) {
  const Looks looks = look_at("cm4");
  EXPECT_THAT(looks.complaints, IsEmpty());
  expect_values(looks.reading, {{"cpu_busy_ratio", 20.0 / 420},
                                {"cpu_user_ratio", 10.0 / 420},
                                {"cpu_system_ratio", 10.0 / 420},
                                {"cpu_iowait_ratio", 0},
                                {"cpu_irq_ratio", 0},
                                {"cpu_steal_ratio", 0},
                                {"load1", 0},
                                {"load5", 0.01},
                                {"load15", 0.05},
                                {"memory_total_bytes", 1893112.0 * 1024},
                                {"memory_available_bytes", 1700000.0 * 1024},
                                {"swap_used_bytes", 0},
                                {"uptime_s", 120.5},
                                {"temperature_celsius", 35.05},
                                {"cpu_frequency_hz", 600e6},
                                {"net_receive_bytes", 4096},
                                {"net_transmit_bytes", 2048},
                                {"net_errors", 0},
                                {"link_speed_bps", 1e9},
                                {"disk_read_bytes", 50020 * 512},
                                {"disk_written_bytes", 10000 * 512},
                                {"card_life_used_ratio", 0.3},
                                {"throttled_bits", 4},
                                {"under_voltage", 0},
                                {"supply_voltage_v", 5.04},
                                {"supply_current_a", 0.52}});
  EXPECT_NEAR(looks.reading.power_w.value(), 5.04 * 0.4 + 3.296 * 0.12, 1e-9);  // the third channel is switched off
  EXPECT_DOUBLE_EQ(looks.reading.frequency_ratio.value(), 0.4);
}

TEST(Boards, AreRecognisedByTheirDeviceTree) {
  const auto board = [](const std::string& name) {
    return read_board({std::string(test::kSourceDir) + "/tests/fixtures/boards/" + name + "/proc",
                       "/nonexistent",
                       "/nonexistent",
                       {}});
  };
  EXPECT_EQ(board("zero2w").power, (wire::PowerModel{0.6, 2.5}));
  EXPECT_EQ(board("3b-plus").power, (wire::PowerModel{2.5, 5.3}));
  EXPECT_EQ(board("4b").power, (wire::PowerModel{2.6, 5.0}));
  EXPECT_EQ(board("5").power, (wire::PowerModel{3.1, 9.0}));
  EXPECT_EQ(board("cm4").power, (wire::PowerModel{2.5, 4.6}));
  EXPECT_EQ(board("5").model, "Raspberry Pi 5 Model B Rev 1.0");
  EXPECT_TRUE(board("5").has_pmic);
  EXPECT_FALSE(board("4b").has_pmic);
}

TEST(Boards, OfOtherKindsGetADefault) {
  EXPECT_LT(recognise_board("", "ThinkCentre").power.idle_w, recognise_board("", "ThinkCentre").power.busy_w);
  EXPECT_EQ(recognise_board({"acme,board\0acme,soc", 19}, "Board").model, "Board");
}

}  // namespace
}  // namespace bramble::sensors
