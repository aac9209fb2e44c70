#include "aggregator/power/meter_driver.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "support/temp_dir.hpp"
#include "unit/power/loop_runner.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;

class MeterTest : public testing::Test {
 protected:
  void chip(const std::string& number, const std::string& name, const std::string& device) {
    const std::string directory = dir_ / ("class/hwmon/" + number);
    std::filesystem::create_directories(directory);
    std::ofstream(directory + "/name") << name << "\n";
    std::filesystem::create_directory_symlink("../../../devices/" + device, directory + "/device");
  }
  void file(const std::string& chip, const std::string& name, const std::string& text) {
    std::ofstream(dir_ / ("class/hwmon/" + chip + "/" + name)) << text << "\n";
  }
  LineOutcome read(const MeterPlace& place) {
    MeterDriver driver(place, dir_.path());
    return do_op(loop_, driver, LineAction::read);
  }

  TempDir dir_;
  posix::EventLoop loop_;
};

TEST_F(MeterTest, ReadsMicrowattsOfTheChipWithThatName) {
  chip("hwmon0", "cpu_thermal", "thermal");
  chip("hwmon3", "ina219", "1-0040");
  file("hwmon3", "power1_input", "2340000");
  const LineOutcome outcome = read({"ina219", "", 1});
  EXPECT_EQ(outcome.power_mw, 2340);
  EXPECT_EQ(outcome.error, "");
}

TEST_F(MeterTest, MultipliesVoltsByAmperesWhereTheChipDoesNot) {
  chip("hwmon0", "ina3221", "1-0041");
  file("hwmon0", "in2_input", "5100");
  file("hwmon0", "curr2_input", "400");
  EXPECT_EQ(read({"ina3221", "", 2}).power_mw, 2040);
}

TEST_F(MeterTest, AWrongNameListsTheChipsThatThereAre) {
  chip("hwmon0", "rpi_volt", "a");
  chip("hwmon1", "cpu_thermal", "b");
  EXPECT_EQ(read({"ina219", "", 1}).error, "there is no hwmon chip 'ina219'; there are: cpu_thermal, rpi_volt");
  EXPECT_EQ(read({"rpi_volt", "1-0040", 1}).error,
            "there is no hwmon chip 'rpi_volt' at 1-0040; there are: cpu_thermal, rpi_volt");
}

TEST_F(MeterTest, OfTwoWithOneNameTheDeviceTellsWhich) {
  chip("hwmon0", "ina219", "1-0040");
  chip("hwmon1", "ina219", "1-0041");
  file("hwmon0", "power1_input", "1000000");
  file("hwmon1", "power1_input", "2000000");
  EXPECT_EQ(read({"ina219", "1-0041", 1}).power_mw, 2000);
  EXPECT_THAT(read({"ina219", "", 1}).error, HasSubstr("say which with device = \"1-0040\""));
}

TEST_F(MeterTest, AChipThatComesBackUnderAnotherNumberIsFoundAgain) {
  chip("hwmon0", "ina219", "1-0040");
  file("hwmon0", "power1_input", "1000000");
  MeterDriver driver({"ina219", "", 1}, dir_.path());
  EXPECT_EQ(do_op(loop_, driver, LineAction::read).power_mw, 1000);
  std::filesystem::rename(dir_ / "class/hwmon/hwmon0", dir_ / "class/hwmon/hwmon7");
  EXPECT_EQ(do_op(loop_, driver, LineAction::read).power_mw, 1000);
}

TEST_F(MeterTest, TellsAFileThatHoldsNoNumber) {
  chip("hwmon0", "ina219", "1-0040");
  file("hwmon0", "power1_input", "busy");
  EXPECT_THAT(read({"ina219", "", 1}).error, HasSubstr("power1_input holds no number"));
}

TEST_F(MeterTest, ASimulatedMeterHoldsMilliwatts) {
  std::ofstream(dir_ / "pi01.meter") << "2500\n";
  SimMeter driver(dir_ / "pi01.meter");
  EXPECT_EQ(do_op(loop_, driver, LineAction::read).power_mw, 2500);
  EXPECT_EQ(do_op(loop_, driver, LineAction::switch_off).error, "a meter can only be read");
}

}  // namespace
}  // namespace bramble::test
