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

TEST_F(MeterTest, AShuntThatIsWiredBackwardsIsAnErrorAndNotANodeThatDrawsNothing) {
  chip("hwmon0", "ina3221", "1-0041");
  file("hwmon0", "in2_input", "5000");
  file("hwmon0", "curr2_input", "-600");
  const LineOutcome outcome = read({"ina3221", "", 2});
  EXPECT_EQ(outcome.power_mw, std::nullopt);
  EXPECT_EQ(outcome.error, "the shunt of ina3221 channel 2 is wired backwards: it reads -3000 mW; swap its two sides");
  file("hwmon0", "power2_input", "-3000000");
  EXPECT_THAT(read({"ina3221", "", 2}).error, HasSubstr("wired backwards"));
}

TEST_F(MeterTest, ALittleBelowZeroIsZero) {
  chip("hwmon0", "ina3221", "1-0041");
  file("hwmon0", "in1_input", "5000");
  file("hwmon0", "curr1_input", "-100");
  EXPECT_EQ(read({"ina3221", "", 1}).power_mw, 0);
  file("hwmon0", "curr1_input", "-101");
  EXPECT_EQ(read({"ina3221", "", 1}).power_mw, std::nullopt);
}

TEST_F(MeterTest, WhatNoNodeDrawsIsAnErrorAlsoWhereTheProductIsBeyondAnInteger) {
  chip("hwmon0", "ina3221", "1-0041");
  for (const char* amperes : {"9223372036854775807", "-9223372036854775808", "201000"}) {
    file("hwmon0", "in1_input", "5000");
    file("hwmon0", "curr1_input", amperes);
    const LineOutcome outcome = read({"ina3221", "", 1});
    EXPECT_EQ(outcome.power_mw, std::nullopt) << amperes;
    EXPECT_THAT(outcome.error, HasSubstr("ina3221 channel 1 reads more than 1000 W, which no node draws"));
  }
  file("hwmon0", "curr1_input", "200000");
  EXPECT_EQ(read({"ina3221", "", 1}).power_mw, 1'000'000);
}

TEST_F(MeterTest, OneChannelUnderTwoNamesIsNoticed) {
  chip("hwmon0", "ina219", "1-0040");
  file("hwmon0", "power1_input", "1000000");
  LinePlaces places;
  const LineSpec first{"pi01", LineRole::meter, "meter ina219 channel 1"};
  const LineSpec second{"pi02", LineRole::meter, "meter ina219 at 1-0040 channel 1"};
  MeterDriver one({"ina219", "", 1}, dir_.path(), [&](const auto& place) { return places.settle(first, place); });
  MeterDriver two({"ina219", "1-0040", 1}, dir_.path(),
                  [&](const auto& place) { return places.settle(second, place); });
  EXPECT_EQ(do_op(loop_, one, LineAction::read).power_mw, 1000);
  for (int time = 0; time < 2; ++time) {
    const LineOutcome outcome = do_op(loop_, two, LineAction::read);
    EXPECT_EQ(outcome.power_mw, std::nullopt);
    EXPECT_EQ(outcome.error,
              "meter ina219 at 1-0040 channel 1 is given to the meter of pi01 already: a line switches one thing");
  }
  EXPECT_EQ(do_op(loop_, one, LineAction::read).power_mw, 1000);
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
  std::ofstream(dir_ / "pi01.meter") << "-2500\n";
  EXPECT_THAT(do_op(loop_, driver, LineAction::read).error, HasSubstr("pi01.meter is wired backwards"));
}

}  // namespace
}  // namespace bramble::test
