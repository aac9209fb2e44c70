// Lines on an expander and watts of an INA219, both behind the kernel's own drivers. Runs as root in a guest:
// README.md.
#include <gmock/gmock.h>

#include "aggregator/power/drivers.hpp"
#include "aggregator/power/line_doctor.hpp"
#include "rig/hand.hpp"
#include "rig/i2c_stub.hpp"

namespace bramble::rig {
namespace {

constexpr int kRelay = 3;
constexpr uint8_t kBit = 1 << kRelay;

class I2cRig : public testing::Test {
 protected:
  I2cRig() { bus_.reset_expander(); }

  LineConfig relay() const {
    GpioPlace place;
    place.chip = bus_.device_name(kExpander);
    place.offset = kRelay;
    return {{"pi01", LineRole::supply, place.chip, 500, 10'000}, place};
  }
  bool driven() const { return (bus_.read_byte(kExpander, kExpanderOutput) & kBit) != 0; }
  bool is_input() const { return (bus_.read_byte(kExpander, kExpanderDirection) & kBit) != 0; }
  // The stub's registers do not know of each other: what is driven is made to be the level of the pins.
  void let_pins_follow() { bus_.write_byte(kExpander, kExpanderInput, bus_.read_byte(kExpander, kExpanderOutput)); }

  I2cStub bus_;
};

TEST_F(I2cRig, ALineOfAnExpanderIsTakenAsItStandsAndKeepsItsLevelWhenItsUserEnds) {
  bus_.add("pca9535", kExpander);
  {
    Hand hand({relay()});
    const LineReport report = hand.done(LineAction::read);
    EXPECT_EQ(report.error, "");
    EXPECT_EQ(report.level, true);
    EXPECT_TRUE(driven());
    EXPECT_FALSE(is_input());
    (void)hand.done(LineAction::switch_off);
    EXPECT_FALSE(driven());
    let_pins_follow();
    EXPECT_EQ(hand.done(LineAction::read).level, false);
  }
  EXPECT_FALSE(driven());
  EXPECT_FALSE(is_input()) << "an expander knows nothing of its user's end";
  Hand next({relay()});
  EXPECT_EQ(next.done(LineAction::read).level, false);
  EXPECT_FALSE(driven()) << "adopted without an edge";
}

TEST_F(I2cRig, ARelayWhosePinDoesNotFollowIsTold) {
  bus_.add("pca9535", kExpander);
  Hand hand({relay()});
  EXPECT_EQ(hand.done(LineAction::read).level, true);
  const LineReport report = hand.done(LineAction::switch_off);
  EXPECT_FALSE(driven());
  EXPECT_EQ(report.level, true);
  EXPECT_THAT(report.error, testing::HasSubstr("it was switched off and reads back on"));
}

TEST_F(I2cRig, TheDoctorKnowsThatAnExpanderKeeps) {
  bus_.add("pca9535", kExpander);
  const auto gpio = make_gpio_api();
  const auto found = examine_lines({relay()}, *gpio).at(0);
  EXPECT_EQ(found.problem, "");
  EXPECT_EQ(found.driver, "pca953x");
  EXPECT_EQ(found.when_released, WhenReleased::keeps);
}

TEST_F(I2cRig, AnExpanderThatIsUnpluggedIsToldAndTakenAgain) {
  auto bus = std::make_unique<I2cStub>();
  bus->add("pca9535", kExpander);
  Hand hand({relay()});
  EXPECT_EQ(hand.done(LineAction::read).level, true);
  bus.reset();
  EXPECT_NE(hand.seen().error, "");
  bus_.add("pca9535", kExpander);
  EXPECT_TRUE(eventually([&] { return hand.done(LineAction::read).error.empty(); }));
}

TEST_F(I2cRig, AnIna219TellsTheWattsOfASupply) {
  constexpr uint8_t kPower = 3;
  constexpr uint16_t kCounts = 117;  // of 20 mW each with the default shunt of 10 milliohms
  bus_.write_word(kMeter, 0, 0x399f);
  bus_.add("ina219", kMeter);
  bus_.write_word(kMeter, kPower, kCounts);
  LineConfig meter;
  meter.place = MeterPlace{"ina219", bus_.device_name(kMeter), 1};
  meter.spec.role = LineRole::meter;
  Hand hand({meter});
  const LineReport report = hand.done(LineAction::read);
  EXPECT_EQ(report.error, "");
  EXPECT_EQ(report.power_mw, 2340);
}

}  // namespace
}  // namespace bramble::rig
