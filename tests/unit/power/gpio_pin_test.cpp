#include "aggregator/power/gpio_pin.hpp"

#include <gmock/gmock.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "aggregator/power/gpio_devices.hpp"
#include "support/temp_dir.hpp"
#include "unit/power/fake_gpio.hpp"

namespace bramble::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kChip = "/dev/gpiochip0";

GpioPlace gpio17() {
  GpioPlace place;
  place.chip = "pinctrl-rp1";
  place.line = "GPIO17";
  return place;
}

std::string error_of(const std::shared_ptr<FakeGpio>& gpio, const GpioPlace& place) {
  const Status status = GpioPin(gpio, place, false).take();
  return status ? "no error" : status.error().message;
}

TEST(GpioPinTest, TakesALineAsItStandsAndThenDrivesTheLevelThatItRead) {
  for (const bool high : {false, true}) {
    const auto gpio = pi_five();
    gpio->wire(kChip, 2)->high = high;
    GpioPin pin(gpio, gpio17(), false);
    ASSERT_TRUE(pin.take());
    EXPECT_THAT(gpio->record, ElementsAre("/dev/gpiochip0 2: requested as it is", "/dev/gpiochip0 2: read",
                                          std::string("/dev/gpiochip0 2: output ") + (high ? "1" : "0")));
    EXPECT_EQ(gpio->wire(kChip, 2)->high, high);
  }
}

TEST(GpioPinTest, AnActiveLowLineIsTakenWithoutAnEdgeTooAndReadsTheOtherWay) {
  const auto gpio = pi_five();
  gpio->wire(kChip, 2)->high = true;
  GpioPlace place = gpio17();
  place.active_low = true;
  GpioPin pin(gpio, place, false);
  ASSERT_TRUE(pin.take());
  EXPECT_TRUE(gpio->wire(kChip, 2)->high);
  EXPECT_EQ(pin.read().value(), false);
  ASSERT_TRUE(pin.drive(true));
  EXPECT_FALSE(gpio->wire(kChip, 2)->high);
}

TEST(GpioPinTest, AnInputIsNeverMadeAnOutput) {
  const auto gpio = pi_five();
  gpio->wire(kChip, 2)->high = true;
  GpioPin pin(gpio, gpio17(), true);
  ASSERT_TRUE(pin.take());
  EXPECT_EQ(pin.read().value(), true);
  EXPECT_FALSE(gpio->wire(kChip, 2)->output);
}

TEST(GpioPinTest, FindsALineByItsOffset) {
  const auto gpio = pi_five();
  GpioPlace place;
  place.chip = "pinctrl-rp1";
  place.offset = 1;
  GpioPin pin(gpio, place, false);
  ASSERT_TRUE(pin.take());
  EXPECT_EQ(gpio->wire(kChip, 1)->used_by, "bramble");
}

TEST(GpioPinTest, AWrongLabelListsTheChipsThatThereAre) {
  GpioPlace place = gpio17();
  place.chip = "pinctrl-bcm2711";
  EXPECT_EQ(error_of(pi_five(), place),
            "there is no GPIO chip with the label 'pinctrl-bcm2711'; there are pinctrl-rp1 (/dev/gpiochip0), "
            "gpio-brcmstb@107d508500 (/dev/gpiochip10)");
  EXPECT_EQ(error_of(std::make_shared<FakeGpio>(), place),
            "there is no GPIO chip with the label 'pinctrl-bcm2711': this machine has no GPIO chips");
}

TEST(GpioPinTest, AChipThatMayNotBeOpenedIsToldWhenTheLabelIsNotFound) {
  const auto gpio = pi_five();
  gpio->chips[0].denied = true;
  EXPECT_THAT(error_of(gpio, gpio17()), AllOf(HasSubstr("there is no GPIO chip with the label 'pinctrl-rp1'"),
                                              HasSubstr("cannot open /dev/gpiochip0: permission denied")));
}

TEST(GpioPinTest, TwoChipsOfOneLabelAreToldApart) {
  const auto gpio = pi_five();
  gpio->chips[1].label = "pinctrl-rp1";
  EXPECT_EQ(error_of(gpio, gpio17()),
            "more than one GPIO chip has the label 'pinctrl-rp1': pinctrl-rp1 (/dev/gpiochip0), pinctrl-rp1 "
            "(/dev/gpiochip10)");
}

TEST(GpioPinTest, AWrongNameNamesTheNearest) {
  GpioPlace place = gpio17();
  place.line = "GPI17";
  EXPECT_EQ(error_of(pi_five(), place), "pinctrl-rp1: unknown line 'GPI17'; did you mean 'GPIO17'?");
}

TEST(GpioPinTest, TwoLinesOfOneNameWantTheOffset) {
  const auto gpio = pi_five();
  gpio->wire(kChip, 0)->name = "GPIO17";
  EXPECT_EQ(error_of(gpio, gpio17()), "pinctrl-rp1 has two lines 'GPIO17': give the offset");
}

TEST(GpioPinTest, AnOffsetBeyondTheChipIsToldWithItsSize) {
  GpioPlace place;
  place.chip = "pinctrl-rp1";
  place.offset = 3;
  EXPECT_EQ(error_of(pi_five(), place), "pinctrl-rp1 has no line 3, only 0 to 2");
}

TEST(GpioPinTest, ABusyLineNamesWhoHasItAndIsLeftAlone) {
  const auto gpio = pi_five();
  gpio->wire(kChip, 2)->used_by = "gpio-fan";
  EXPECT_EQ(error_of(gpio, gpio17()),
            "pinctrl-rp1 GPIO17 is in use by 'gpio-fan': end that, or configure another line");
  gpio->wire(kChip, 2)->used_by = "bramble";
  EXPECT_THAT(error_of(gpio, gpio17()), HasSubstr("held by another bramble"));
  EXPECT_TRUE(gpio->record.empty());
}

TEST(GpioPinTest, OneLineUnderTwoNamesNamesTheOtherNodeAndNotAnotherAggregator) {
  const auto gpio = pi_five();
  LinePlaces places;
  GpioPlace by_offset;
  by_offset.chip = "pinctrl-rp1";
  by_offset.offset = 2;
  const LineSpec first{"pi01", LineRole::supply, "pinctrl-rp1 GPIO17"};
  const LineSpec second{"pi02", LineRole::button, "pinctrl-rp1 line 2"};
  GpioPin one(gpio, gpio17(), false, [&](const auto& place) { return places.settle(first, place); });
  GpioPin two(gpio, by_offset, false, [&](const auto& place) { return places.settle(second, place); });
  ASSERT_TRUE(one.take());
  const Status taken = two.take();
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().message,
            "pinctrl-rp1 line 2 is given to the supply of pi01 already: a line switches one thing");
  one.release();
  EXPECT_TRUE(two.take()) << "the first is gone from there";
}

TEST(GpioPinTest, AChipThatIsGoneFailsEveryCallAndIsFoundAgainUnderAnotherNumber) {
  const auto gpio = pi_five();
  GpioPin pin(gpio, gpio17(), false);
  ASSERT_TRUE(pin.take());
  auto chips = std::exchange(gpio->chips, {});
  EXPECT_FALSE(pin.read());
  EXPECT_FALSE(pin.drive(true));
  pin.release();
  EXPECT_FALSE(pin.take());
  chips[0].path = "/dev/gpiochip4";
  chips[0].wires[2] = {"GPIO17", true, true, ""};
  gpio->chips = chips;
  ASSERT_TRUE(pin.take());
  EXPECT_EQ(pin.read().value(), true);
}

TEST(GpioDevicesTest, AreListedInTheOrderOfTheirNumbers) {
  const TempDir dev;
  for (const char* name : {"gpiochip10", "gpiochip2", "gpiomem", "gpiochip0"}) std::ofstream(dev / name) << "";
  EXPECT_THAT(gpio_device_paths(dev.path()), ElementsAre(dev / "gpiochip0", dev / "gpiochip2", dev / "gpiochip10"));
  EXPECT_TRUE(gpio_device_paths(dev / "none").empty());
}

TEST(GpioDevicesTest, PermissionDeniedNamesTheGroupThatMay) {
  const TempDir dev;
  std::ofstream(dev / "gpiochip0") << "";
  const std::string group = ::getgrgid(::getgid())->gr_name;
  EXPECT_EQ(gpio_open_error(dev / "gpiochip0", EACCES).message,
            "cannot open " + dev / "gpiochip0" + ": permission denied: the aggregator's user must be in group '" +
                group + "' (usermod -aG " + group + " bramble, then restart it)");
  EXPECT_THAT(gpio_open_error(dev / "gpiochip0", ENODEV).message, Not(HasSubstr("group")));
}

}  // namespace
}  // namespace bramble::test
