#include "agent/sensors/sensors.hpp"

#include <gtest/gtest.h>

#include "agent/sensors/hardware.hpp"

namespace bramble::sensors {
namespace {

Roots fixture(const std::string& name) {
  const std::string root = std::string(BRAMBLE_SOURCE_DIR) + "/tests/fixtures/sensors/" + name;
  return {root + "/proc", root + "/sys", {}};
}

TEST(Sensors, ReadEverythingThatARaspberryPiTells) {
  Sensors sensors(fixture("pi4"), {2, 6});
  const Values expected = {{"load1", 0.52},
                           {"load5", 0.58},
                           {"load15", 0.59},
                           {"memory_total_bytes", 3884404.0 * 1024},
                           {"memory_available_bytes", 3000000.0 * 1024},
                           {"temperature_celsius", 48.312},
                           {"cpu_frequency_hz", 1.5e9},
                           {"uptime_s", 35012.34},
                           {"net_receive_bytes", 1002000},
                           {"net_transmit_bytes", 501000},
                           {"disk_read_bytes", 20000 * 512},
                           {"disk_written_bytes", 80000 * 512},
                           {"pressure_cpu_s", 2.5},
                           {"pressure_memory_s", 1},
                           {"pressure_io_s", 7.25}};
  const wire::Telemetry reading = sensors.read({1000});
  EXPECT_EQ(reading.values, expected);  // no busy ratio yet, and so no power
  EXPECT_FALSE(reading.power_measured);
}

TEST(Sensors, LeaveOutWhatIsNotThere) {
  Sensors sensors(fixture("no-such-machine"), {2, 6});
  EXPECT_TRUE(sensors.read({1000}).values.empty());
}

TEST(Sensors, LeaveOutWhatMakesNoSense) {
  Sensors sensors(fixture("damaged"), {2, 6});
  EXPECT_TRUE(sensors.read({1000}).values.empty());
}

TEST(Sensors, TellTheRoomWhereTheStateIs) {
  Roots roots = fixture("no-such-machine");
  roots.state_dir = "/";
  Sensors sensors(roots, {2, 6});
  const Values values = sensors.read({1000}).values;
  ASSERT_EQ(values.size(), 1U);
  EXPECT_GT(values.at("disk_free_bytes"), 0);
}

TEST(Sensors, ReadThisMachine) {
  Sensors sensors({}, {2, 6});
  const Values values = sensors.read({1000}).values;
  EXPECT_GT(values.at("memory_total_bytes"), 1e6);
  EXPECT_GT(values.at("uptime_s"), 0);
  EXPECT_GE(values.at("load1"), 0);
}

TEST(CpuUsage, IsTheShareOfTimeBetweenTwoReadings) {
  CpuUsage usage;
  Values values;
  usage.read(fixture("pi4"), values);
  EXPECT_TRUE(values.empty());
  usage.read(fixture("later"), values);  // 400 of 1000 ticks were work
  EXPECT_DOUBLE_EQ(values.at("cpu_busy_ratio"), 0.4);
}

TEST(CpuUsage, IsAbsentWhenNoTimePassedOrCountersWentBack) {
  CpuUsage usage;
  Values values;
  usage.read(fixture("later"), values);
  usage.read(fixture("later"), values);
  usage.read(fixture("pi4"), values);
  EXPECT_TRUE(values.empty());
}

TEST(PowerModel, AddsTheBusyShareToIdle) {
  PowerModel model({2, 6});
  Values values = {{"cpu_busy_ratio", 0.25}};
  model.add({1000}, values);
  EXPECT_DOUBLE_EQ(values.at("power_w"), 3);
  EXPECT_DOUBLE_EQ(values.at("energy_j"), 0);
}

TEST(PowerModel, IntegratesPowerOverTimeByTrapezoids) {
  PowerModel model({2, 6});
  Values values = {{"cpu_busy_ratio", 0}};
  model.add({1000}, values);
  values["cpu_busy_ratio"] = 1;
  model.add({3000}, values);
  EXPECT_DOUBLE_EQ(values.at("energy_j"), 8);  // 2 s at (2 + 6) / 2 W
  values["cpu_busy_ratio"] = 1;
  model.add({3500}, values);
  EXPECT_DOUBLE_EQ(values.at("energy_j"), 11);
}

TEST(PowerModel, SaysNothingWithoutABusyShare) {
  PowerModel model({2, 6});
  Values values;
  model.add({1000}, values);
  EXPECT_TRUE(values.empty());
}

TEST(PowerModel, KnowsTheModelsAndHasADefault) {
  EXPECT_DOUBLE_EQ(coefficients_for("Raspberry Pi 4 Model B Rev 1.4").busy_w, 5.0);
  EXPECT_DOUBLE_EQ(coefficients_for("Raspberry Pi 5 Model B Rev 1.0").busy_w, 9.0);
  EXPECT_DOUBLE_EQ(coefficients_for("Raspberry Pi Compute Module 5").busy_w, 8.5);
  EXPECT_LT(coefficients_for("ThinkCentre").idle_w, coefficients_for("ThinkCentre").busy_w);
}

TEST(Hardware, IsNamedByTheDeviceTree) {
  const Hardware hardware = read_hardware(fixture("pi4"));
  EXPECT_EQ(hardware.model, "Raspberry Pi 4 Model B Rev 1.4");
  EXPECT_EQ(hardware.memory_bytes, 3884404ULL * 1024);
  EXPECT_GE(hardware.cores, 1U);
  EXPECT_FALSE(hardware.arch.empty());
}

TEST(Hardware, IsNamedByFirmwareOrProcessorElsewhere) {
  EXPECT_EQ(read_hardware(fixture("pc")).model, "ThinkCentre M720q");
  Roots roots = fixture("pc");
  roots.sys = "/nonexistent";
  EXPECT_EQ(read_hardware(roots).model, "Intel(R) Core(TM) i5");
  EXPECT_EQ(read_hardware(fixture("no-such-machine")).model, "");
}

}  // namespace
}  // namespace bramble::sensors
