// What comes wrong, what goes missing, what hangs.
#include "agent/sensors/sensors.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "agent/sensors/hardware.hpp"
#include "common/posix/system_clock.hpp"
#include "support/places.hpp"
#include "support/temp_dir.hpp"
#include "unit/agent/sensor_looks.hpp"

namespace bramble::sensors {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kFixtures = std::string(test::kSourceDir) + "/tests/fixtures/";

Roots roots_at(const std::string& root) { return {root + "/proc", root + "/sys", root + "/dev", {}}; }

std::vector<std::unique_ptr<Source>> sources_of(const Roots& roots, const std::string& firmware = "/nonexistent") {
  return all_sources(roots, std::make_shared<FileFirmware>(firmware));
}

// A copy of a board that a test may damage.
struct Board {
  explicit Board(const std::string& name) {
    std::filesystem::copy(kFixtures + "boards/" + name, root.path(), std::filesystem::copy_options::recursive);
  }
  std::string operator/(const std::string& path) const { return root / path; }
  Roots roots() const { return roots_at(root.path()); }

  test::TempDir root;
};

TEST(Sensors, LeaveOutWhatIsNotThereWithoutAWord) {
  Looks looks(sources_of(roots_at("/nonexistent")));
  looks.look(roots_at("/nonexistent"), {1000});
  EXPECT_THAT(looks.reading.values, IsEmpty());
  EXPECT_THAT(looks.complaints, IsEmpty());
}

TEST(Sensors, LeaveOutWhatMakesNoSenseAndSayWhich) {
  const Roots roots = roots_at(kFixtures + "sensors/damaged");
  Looks looks(sources_of(roots));
  looks.look(roots, {1000});
  EXPECT_THAT(looks.reading.values, IsEmpty());
  std::vector<std::string> names;
  for (const auto& [name, complaint] : looks.complaints) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("cpu", "disks", "load", "memory", "network", "pressure", "temperature", "uptime"));
  EXPECT_THAT(looks.complaints["temperature"], HasSubstr("thermal_zone0/temp holds 'hot', which makes no sense there"));
}

TEST(Sensors, DoNotSpoilEachOther) {
  const Board board("4b");
  put(board / "proc/meminfo", "\xFF\xFE garbage\n");
  put(board / "sys/class/thermal/thermal_zone0/temp", "nan\n");
  Looks looks(sources_of(board.roots(), board / "firmware"));
  looks.look(board.roots(), {1000});
  EXPECT_EQ(looks.complaints.size(), 2U);
  EXPECT_DOUBLE_EQ(looks.reading.values.at("load1"), 0.52);
  EXPECT_DOUBLE_EQ(looks.reading.power_w.value(), 4.62);
}

TEST(Sensors, NoticeAMeterThatVanishesAndOneThatComesBackElsewhere) {
  const Board board("zero2w");
  Looks looks(sources_of(board.roots()));
  looks.look(board.roots(), {1000});
  EXPECT_TRUE(looks.reading.power_w);
  std::filesystem::rename(board / "sys/class/hwmon/hwmon2", board / "gone");
  looks.look(board.roots(), {2000});
  EXPECT_FALSE(looks.reading.power_w);
  EXPECT_THAT(looks.complaints["power"], HasSubstr("does not answer any more: watts are modelled"));
  std::filesystem::rename(board / "gone", board / "sys/class/hwmon/hwmon7");
  looks.look(board.roots(), {3000});
  EXPECT_DOUBLE_EQ(looks.reading.power_w.value_or(0), 0.84);
  EXPECT_THAT(looks.complaints, IsEmpty());
}

TEST(Sensors, SayWhyAMeterCannotBeRead) {
  const Board board("zero2w");
  put(board / "sys/class/hwmon/hwmon2/power1_input", "");
  Looks looks(sources_of(board.roots()));
  looks.look(board.roots(), {1000});
  EXPECT_FALSE(looks.reading.power_w);
  EXPECT_THAT(looks.complaints["power"], HasSubstr("power1_input holds ''"));
  EXPECT_EQ(looks.reading.values.count("supply_current_a"), 0U);
}

TEST(Sensors, DoNotTakeWattsThatNoNodeDraws) {
  const Board board("zero2w");
  const std::string power = board / "sys/class/hwmon/hwmon2/power1_input";
  put(power, "4294967295\n");
  Looks looks(sources_of(board.roots()));
  looks.look(board.roots(), {1000});
  EXPECT_FALSE(looks.reading.power_w);
  EXPECT_THAT(looks.complaints["power"], HasSubstr("tells 4295 W, which no node draws"));
  put(power, "-3000000\n");
  looks.look(board.roots(), {70'000});
  EXPECT_FALSE(looks.reading.power_w);
  EXPECT_THAT(looks.complaints["power"], HasSubstr("tells -3 W: turn its two current wires round"));
  put(power, "-20000\n");
  looks.look(board.roots(), {140'000});
  EXPECT_EQ(looks.reading.power_w.value_or(1), 0) << "noise around zero";
}

TEST(Sensors, TellTheSignalOfTheFirstInterfaceThatHasAConnection) {
  const Board board("4b");
  put(board / "proc/net/wireless",
      "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n"
      " face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n"
      " wlan0: 0000    0.    0.     0        0      0      0      0      0        0\n"
      " wlan1: 0000   57.  -53.  -256        0      0      0      0     88        0\n");
  Looks looks(sources_of(board.roots(), board / "firmware"));
  looks.look(board.roots(), {1000});
  EXPECT_DOUBLE_EQ(looks.reading.values.at("wifi_signal_dbm"), -53);
}

TEST(Sensors, FindChipsOnceAMinuteAndNotEachSecond) {
  const Board board("3b-plus");
  Looks looks(sources_of(board.roots()));
  looks.look(board.roots(), {1000});
  put(board / "sys/class/hwmon/hwmon5/name", "ina219\n");
  put(board / "sys/class/hwmon/hwmon5/power1_input", "3000000\n");
  looks.look(board.roots(), {2000});
  EXPECT_FALSE(looks.reading.power_w);
  looks.look(board.roots(), {62'000});
  EXPECT_DOUBLE_EQ(looks.reading.power_w.value_or(0), 3);
}

TEST(Sensors, PreferAMeterToTheHatAndTheHatToThePmic) {
  const Board board("5");
  Looks pmic(sources_of(board.roots(), board / "firmware"));
  pmic.look(board.roots(), {1000});
  EXPECT_NEAR(pmic.reading.power_w.value(), 2.69, 0.01);
  put(board / "sys/class/power_supply/rpi-poe/online", "1\n");
  put(board / "sys/class/power_supply/rpi-poe/current_now", "1000000\n");
  Looks hat(sources_of(board.roots(), board / "firmware"));
  hat.look(board.roots(), {1000});
  EXPECT_DOUBLE_EQ(hat.reading.power_w.value(), 5);
  put(board / "sys/class/hwmon/hwmon9/name", "ina226\n");
  put(board / "sys/class/hwmon/hwmon9/power1_input", "6500000\n");
  Looks meter(sources_of(board.roots(), board / "firmware"));
  meter.look(board.roots(), {1000});
  EXPECT_DOUBLE_EQ(meter.reading.power_w.value(), 6.5);
}

TEST(Sensors, DoNotTakeAHatThatFeedsNothingForAMeter) {
  const Board board("4b");
  put(board / "sys/class/power_supply/rpi-poe/online", "0\n");
  Looks looks(sources_of(board.roots(), board / "firmware"));
  looks.look(board.roots(), {1000});
  EXPECT_FALSE(looks.reading.power_w);
}

TEST(Sensors, ReportAFirmwareThatAnswersNonsense) {
  const Board board("4b");
  put(board / "firmware/get_throttled", "error=1 error_msg=\"Command not registered\"");
  Looks looks(sources_of(board.roots(), board / "firmware"));
  looks.look(board.roots(), {1000});
  EXPECT_EQ(looks.reading.values.at("under_voltage"), 0) << "told by rpi_volt";
  EXPECT_FALSE(looks.reading.values.contains("throttled_bits"));
  EXPECT_THAT(looks.complaints, IsEmpty());
  std::filesystem::remove_all(board / "sys/class/hwmon/hwmon1");
  Looks without(sources_of(board.roots(), board / "firmware"));
  without.look(board.roots(), {1000});
  EXPECT_THAT(without.complaints["throttling"], HasSubstr("Command not registered"));
}

TEST(Sensors, TellTheRoomWhereTheStateIs) {
  Roots roots = roots_at("/nonexistent");
  roots.state_dir = "/";
  Looks looks(sources_of(roots));
  looks.look(roots, {1000});
  EXPECT_GT(looks.reading.values.at("disk_total_bytes"), looks.reading.values.at("disk_free_bytes"));
  EXPECT_EQ(looks.reading.values.size(), 2U);
}

TEST(Sensors, ReadThisMachine) {
  Looks looks(sources_of({}));
  looks.look({}, {1000});
  EXPECT_GT(looks.reading.values.at("memory_total_bytes"), 1e6);
  EXPECT_GT(looks.reading.values.at("uptime_s"), 0);
  EXPECT_GE(looks.reading.values.at("load1"), 0);
}

TEST(CpuSource, SaysNothingWhenNoTimePassedOrCountersWentBack) {
  const Board board("4b");
  Looks looks(sources_of(board.roots()));
  Roots before = board.roots();
  before.proc = board / "before/proc";
  looks.look(board.roots(), {1000});
  looks.look(board.roots(), {2000});
  EXPECT_FALSE(looks.reading.values.contains("cpu_busy_ratio"));
  looks.look(before, {3000});
  EXPECT_FALSE(looks.reading.values.contains("cpu_busy_ratio"));
}

TEST(Card, IsAsWornAsTheWorseOfItsEstimates) {
  const Board board("cm4");
  const auto used = [&](const std::string& life_time, const std::string& pre_eol) {
    put(board / "sys/block/mmcblk0/device/life_time", life_time);
    put(board / "sys/block/mmcblk0/device/pre_eol_info", pre_eol);
    agent::Reading reading;
    const Roots roots = board.roots();
    Probe probe(roots, {1000}, reading);
    read_card(probe);
    return reading.values.contains("card_life_used_ratio") ? reading.values.at("card_life_used_ratio") : -1;
  };
  EXPECT_DOUBLE_EQ(used("0x01 0x01\n", "0x01\n"), 0.1);
  EXPECT_DOUBLE_EQ(used("0x02 0x0b\n", "0x01\n"), 1);
  EXPECT_DOUBLE_EQ(used("0x02 0x02\n", "0x03\n"), 0.9);
  EXPECT_DOUBLE_EQ(used("0x00 0x00\n", "0x00\n"), -1);
  EXPECT_DOUBLE_EQ(used("worn\n", ""), -1);
}

TEST(Vcio, IsNotThereOnOtherMachines) {
  const auto answer = open_firmware("/nonexistent")->command("get_throttled");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::not_found);
}

TEST(Vcio, RefusesADeviceThatIsNone) {
  const test::TempDir dir;
  put(dir / "vcio", "");
  const auto answer = open_firmware(dir.path())->command("get_throttled");
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("does not take 'get_throttled'"));
}

TEST(Hardware, IsNamedByTheDeviceTree) {
  const Hardware hardware = read_hardware(roots_at(kFixtures + "boards/4b"));
  EXPECT_EQ(hardware.board.model, "Raspberry Pi 4 Model B Rev 1.4");
  EXPECT_EQ(hardware.memory_bytes, 3884404ULL * 1024);
  EXPECT_GE(hardware.cores, 1U);
  EXPECT_GE(hardware.machine_cores, hardware.cores);
  EXPECT_FALSE(hardware.arch.empty());
}

TEST(Hardware, ASystemOf32BitsIsOneWhateverItsKernelIs) {
  EXPECT_EQ(system_arch("aarch64", true), "aarch64");
  EXPECT_EQ(system_arch("aarch64", false), "armv7l");
  EXPECT_EQ(system_arch("armv6l", false), "armv6l");
  EXPECT_EQ(system_arch("x86_64", false), "i686");
}

TEST(Hardware, IsNamedByFirmwareOrProcessorElsewhere) {
  EXPECT_EQ(read_hardware(roots_at(kFixtures + "sensors/pc")).board.model, "ThinkCentre M720q");
  Roots roots = roots_at(kFixtures + "sensors/pc");
  roots.sys = "/nonexistent";
  EXPECT_EQ(read_hardware(roots).board.model, "Intel(R) Core(TM) i5");
  EXPECT_EQ(read_hardware(roots_at("/nonexistent")).board.model, "");
}

// --- with their thread ---

struct Delivered {
  std::mutex mutex;
  std::condition_variable came;
  std::vector<agent::Reading> readings;
  Complaints complaints;

  Sensors::Deliver handler() {
    return [this](agent::Reading reading, Complaints said) {
      const std::lock_guard lock(mutex);
      readings.push_back(std::move(reading));
      complaints.insert(complaints.end(), said.begin(), said.end());
      came.notify_all();
    };
  }
  // The reading after the first `seen` ones.
  agent::Reading wait(size_t seen) {
    std::unique_lock lock(mutex);
    if (!came.wait_for(lock, std::chrono::seconds(20), [&] { return readings.size() > seen; })) return {};
    return readings[seen];
  }
};

TEST(SensorsThread, DeliversAReadingForEachRequest) {
  Delivered delivered;
  Sensors sensors(roots_at(kFixtures + "boards/cm4"), sources_of(roots_at(kFixtures + "boards/cm4")),
                  delivered.handler());
  sensors.request(posix::mono_now());
  EXPECT_EQ(delivered.wait(0).values.at("load15"), 0.05);
  sensors.request(posix::mono_now());
  const agent::Reading second = delivered.wait(1);
  EXPECT_TRUE(second.power_w);
  EXPECT_FALSE(second.values.contains("sensors_failed"));
}

TEST(SensorsThread, ReportsTroubleOnceAndCountsItAsLongAsItLasts) {
  const Board board("cm4");
  put(board / "proc/uptime", "soon\n");
  Delivered delivered;
  Sensors sensors(board.roots(), sources_of(board.roots()), delivered.handler());
  for (size_t i = 0; i < 3; ++i) {
    sensors.request(posix::mono_now());
    const agent::Reading reading = delivered.wait(i);
    EXPECT_EQ(reading.values.at("sensors_failed"), 1);
    EXPECT_THAT(reading.trouble, HasSubstr("uptime: ")) << "for people who look at the node from afar";
  }
  put(board / "proc/uptime", "5.0 1.0\n");
  sensors.request(posix::mono_now());
  EXPECT_FALSE(delivered.wait(3).values.contains("sensors_failed"));
  const std::lock_guard lock(delivered.mutex);
  ASSERT_EQ(delivered.complaints.size(), 2U);
  EXPECT_THAT(delivered.complaints[0], HasSubstr("sensor uptime: "));
  EXPECT_EQ(delivered.complaints[1], "sensor uptime works again");
}

// A pipe that nobody writes to stands for a chip that hangs: opening it blocks.
TEST(SensorsThread, LeavesASourceThatHangsBehindAndTakesItUpAgain) {
  const Board board("cm4");
  const std::string temp = board / "sys/class/thermal/thermal_zone0/temp";
  std::filesystem::remove(temp);
  ASSERT_EQ(::mkfifo(temp.c_str(), 0600), 0);
  Delivered delivered;
  Sensors sensors(board.roots(), sources_of(board.roots()), delivered.handler());
  MonoTime now = posix::mono_now();
  sensors.request(now);
  sensors.request(now + 1);  // not yet
  // From here on the clock that the test tells is far ahead; what is under way is left behind as soon as it hangs.
  agent::Reading reading;
  for (int i = 0; i < 200 && reading.values.empty(); ++i) {
    sensors.request(posix::mono_now() + kHangMs + 1);
    std::unique_lock lock(delivered.mutex);
    delivered.came.wait_for(lock, std::chrono::milliseconds(100), [&] { return !delivered.readings.empty(); });
    if (!delivered.readings.empty()) reading = delivered.readings.back();
  }
  EXPECT_FALSE(reading.values.contains("temperature_celsius"));
  EXPECT_EQ(reading.values.at("load15"), 0.05);
  EXPECT_TRUE(reading.power_w);
  EXPECT_GE(reading.values.at("sensors_failed"), 1);

  const int writer = ::open(temp.c_str(), O_WRONLY);  // waits for the one that reads: it is let go
  ASSERT_GE(writer, 0);
  ASSERT_EQ(::write(writer, "41000\n", 6), 6);
  ::close(writer);
  std::filesystem::remove(temp);
  put(temp, "42000\n");
  for (int i = 0; i < 200 && !reading.values.contains("temperature_celsius"); ++i) {
    size_t seen = 0;
    {
      const std::lock_guard lock(delivered.mutex);
      seen = delivered.readings.size();
    }
    sensors.request(posix::mono_now());
    reading = delivered.wait(seen);
  }
  EXPECT_DOUBLE_EQ(reading.values.at("temperature_celsius"), 42);
  const std::lock_guard lock(delivered.mutex);
  EXPECT_THAT(delivered.complaints, Contains("sensor temperature: it has not answered for 2 s"));
  EXPECT_THAT(delivered.complaints, Contains("sensor temperature works again"));
}

}  // namespace
}  // namespace bramble::sensors
