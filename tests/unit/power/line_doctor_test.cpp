#include "aggregator/power/line_doctor.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "support/temp_dir.hpp"
#include "unit/power/fake_gpio.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class LineDoctorTest : public testing::Test {
 protected:
  // The chip's device as the kernel shows it: bus/gpio/devices/gpiochip0 -> the device, which has a driver.
  void driver(const std::string& name, const std::string& persist = {}) {
    namespace fs = std::filesystem;
    const std::string device = sys_ / "devices/soc/gpio";
    fs::create_directories(device + "/gpiochip0");
    fs::create_directories(sys_ / "bus/gpio/devices");
    fs::create_directories(sys_ / ("bus/platform/drivers/" + name));
    fs::create_directory_symlink(device + "/gpiochip0", sys_ / "bus/gpio/devices/gpiochip0");
    fs::create_directory_symlink(sys_ / ("bus/platform/drivers/" + name), device + "/driver");
    if (persist.empty()) return;
    std::string module = name;
    std::replace(module.begin(), module.end(), '-', '_');
    const std::string parameters = sys_ / ("module/" + module + "/parameters");
    fs::create_directories(parameters);
    std::ofstream(parameters + "/persist_gpio_outputs") << persist << "\n";
  }

  LineFinding examine(const LineConfig& line) { return examine_lines({line}, *gpio_, {sys_.path()}).at(0); }
  LineFinding examine_gpio17(LineRole role = LineRole::supply) {
    LineConfig line;
    line.spec = {"pi01", role, "pinctrl-rp1 GPIO17", 500, 10'000};
    GpioPlace place;
    place.chip = "pinctrl-rp1";
    place.line = "GPIO17";
    line.place = place;
    return examine(line);
  }

  TempDir sys_;
  std::shared_ptr<FakeGpio> gpio_ = pi_five();
};

TEST_F(LineDoctorTest, TellsWhereALineIsAndTouchesNothing) {
  driver("pinctrl-rp1", "Y");
  gpio_->wire("/dev/gpiochip0", 2)->used_by = "bramble";
  const LineFinding finding = examine_gpio17();
  EXPECT_EQ(finding.node, "pi01");
  EXPECT_EQ(finding.path, "/dev/gpiochip0");
  EXPECT_EQ(finding.offset, 2);
  EXPECT_EQ(finding.driver, "pinctrl-rp1");
  EXPECT_EQ(finding.consumer, "bramble");
  EXPECT_EQ(finding.problem, "");
  EXPECT_THAT(gpio_->record, IsEmpty());
}

TEST_F(LineDoctorTest, AKernelThatKeepsLevelsNeedsNoAdvice) {
  driver("pinctrl-rp1", "Y");
  EXPECT_EQ(examine_gpio17().when_released, WhenReleased::keeps);
  EXPECT_EQ(examine_gpio17().advice, "");
}

TEST_F(LineDoctorTest, StrictGpiodIsToldWithWhatToDo) {
  driver("pinctrl-rp1", "N");
  const LineFinding finding = examine_gpio17();
  EXPECT_EQ(finding.when_released, WhenReleased::falls);
  EXPECT_THAT(finding.advice, HasSubstr("take dtparam=strict_gpiod away"));
  EXPECT_THAT(finding.advice, HasSubstr("pinctrl-rp1.persist_gpio_outputs=1"));
}

TEST_F(LineDoctorTest, AMainlineKernelWithoutTheParameterLetsLinesFall) {
  driver("pinctrl-bcm2835");
  const LineFinding finding = examine_gpio17();
  EXPECT_EQ(finding.when_released, WhenReleased::falls);
  EXPECT_THAT(finding.advice, HasSubstr("wire the relay so that the node keeps its power"));
}

TEST_F(LineDoctorTest, AnExpanderKeepsAndAnUnknownDriverIsUnknown) {
  driver("pca953x");
  EXPECT_EQ(examine_gpio17().when_released, WhenReleased::keeps);
  std::filesystem::remove(sys_ / "devices/soc/gpio/driver");
  EXPECT_EQ(examine_gpio17().when_released, WhenReleased::unknown);
  EXPECT_THAT(examine_gpio17().advice, HasSubstr("try it with a node that may lose its power"));
}

TEST_F(LineDoctorTest, ALineOfSomebodyElseAndAChipThatIsNotThereAreProblems) {
  driver("pinctrl-rp1", "Y");
  gpio_->wire("/dev/gpiochip0", 2)->used_by = "gpio-fan";
  EXPECT_EQ(examine_gpio17().problem, "it is in use by 'gpio-fan': end that, or configure another line");
  gpio_->chips.clear();
  EXPECT_THAT(examine_gpio17().problem, HasSubstr("there is no GPIO chip with the label 'pinctrl-rp1'"));
}

TEST_F(LineDoctorTest, OneLineUnderTwoNamesIsAProblem) {
  driver("pinctrl-rp1", "Y");
  GpioPlace place;
  place.chip = "pinctrl-rp1";
  place.line = "GPIO17";
  LineConfig named{{"pi01", LineRole::supply, "pinctrl-rp1 GPIO17"}, place};
  place.line.clear();
  place.offset = 2;
  LineConfig numbered{{"pi02", LineRole::reset, "pinctrl-rp1 line 2"}, place};
  const auto findings = examine_lines({named, numbered}, *gpio_, {sys_.path()});
  EXPECT_EQ(findings.at(0).problem, "");
  EXPECT_EQ(findings.at(1).problem,
            "pinctrl-rp1 line 2 is given to the supply of pi01 already: a line switches one thing");
}

TEST_F(LineDoctorTest, AnInputCannotFall) {
  driver("pinctrl-rp1", "N");
  EXPECT_EQ(examine_gpio17(LineRole::halted).advice, "");
}

TEST_F(LineDoctorTest, LooksForProgramsFilesAndMeters) {
  LineConfig line;
  line.place = CommandPlace{{"sh"}, {"sh"}, {"test"}, 1000};
  EXPECT_EQ(examine(line).problem, "");
  EXPECT_EQ(examine(line).advice, "");
  EXPECT_THAT(examine(line).path, HasSubstr("/sh"));
  line.place = CommandPlace{{"sh"}, {"no-such-program"}, {}, 1000};
  EXPECT_EQ(examine(line).problem,
            "there is no program 'no-such-program' that may be run: install it, or give its whole path");
  line.place = CommandPlace{{"sh"}, {"sh"}, {}, 1000};
  EXPECT_THAT(examine(line).advice, HasSubstr("without status"));
  line.place = SimPlace{sys_ / "pi01.supply"};
  EXPECT_EQ(examine(line).problem, "");
  line.place = SimPlace{"/nowhere/pi01.supply"};
  EXPECT_THAT(examine(line).problem, HasSubstr("cannot use /nowhere"));
  line.place = MeterPlace{"ina219", "", 1};
  EXPECT_THAT(examine(line).problem, HasSubstr("there is no hwmon chip 'ina219'"));
}

}  // namespace
}  // namespace bramble::test
