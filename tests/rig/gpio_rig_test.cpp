// The real GPIO adapter on the kernel's own lines. Runs as root in a guest: tests/rig/README.md.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "aggregator/power/drivers.hpp"
#include "aggregator/power/line_doctor.hpp"
#include "rig/gpio_sim.hpp"
#include "rig/hand.hpp"

namespace bramble::rig {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kLabel = "pinctrl-bcm2835";
constexpr int kRelay = 17;

LineConfig gpio_line(int line, LineRole role = LineRole::supply, bool active_low = false) {
  GpioPlace place;
  place.chip = kLabel;
  place.line = "GPIO" + std::to_string(line);
  place.active_low = active_low;
  return {{"pi01", role, place.chip + " " + place.line, 500, 10'000}, place};
}

class GpioRig : public testing::Test {
 protected:
  static constexpr int kHogged = 5;
  GpioSim chip_{"rig", kLabel, 28, kHogged, "fan-hog"};
  GpioTrace trace_;
};

TEST_F(GpioRig, TakesARelayAsItStandsOnAndOff) {
  for (const bool on : {true, false}) {
    chip_.pull(kRelay, on);
    (void)trace_.take(chip_);
    Hand hand({gpio_line(kRelay)});
    const LineReport report = hand.done(LineAction::read);
    EXPECT_EQ(report.level, on);
    EXPECT_EQ(report.error, "");
    EXPECT_THAT(trace_.take(chip_), ElementsAre(on ? "17=1" : "17=0")) << "set once, to the level that was there";
    EXPECT_EQ(chip_.level(kRelay), on);
  }
}

TEST_F(GpioRig, SwitchesAndReadsBackWithOneEdgeEach) {
  Hand hand({gpio_line(kRelay)});
  EXPECT_EQ(hand.done(LineAction::read).level, false);
  (void)trace_.take(chip_);
  EXPECT_EQ(hand.done(LineAction::switch_on).level, true);
  EXPECT_TRUE(chip_.level(kRelay));
  EXPECT_EQ(hand.done(LineAction::switch_off).level, false);
  EXPECT_FALSE(chip_.level(kRelay));
  EXPECT_THAT(trace_.take(chip_), ElementsAre("17=1", "17=0"));
}

TEST_F(GpioRig, AnActiveLowRelayIsOnWhenItsWireIsLow) {
  chip_.pull(kRelay, true);
  Hand hand({gpio_line(kRelay, LineRole::supply, true)});
  EXPECT_EQ(hand.done(LineAction::read).level, false);
  EXPECT_TRUE(chip_.level(kRelay)) << "adopted without an edge";
  EXPECT_EQ(hand.done(LineAction::switch_on).level, true);
  EXPECT_FALSE(chip_.level(kRelay));
}

TEST_F(GpioRig, ALineOfTheKernelNamesItsUser) {
  Hand hand({gpio_line(kHogged)});
  EXPECT_EQ(hand.done(LineAction::read).error,
            "pinctrl-bcm2835 GPIO5 is in use by 'fan-hog': end that, or configure another line");
}

TEST_F(GpioRig, AWrongLabelAndAWrongNameSayWhatThereIs) {
  LineConfig line = gpio_line(kRelay);
  std::get<GpioPlace>(line.place).chip = "pinctrl-rp1";
  EXPECT_EQ(
      Hand({line}).done(LineAction::read).error,
      "there is no GPIO chip with the label 'pinctrl-rp1'; there are pinctrl-bcm2835 (" + chip_.device_path() + ")");
  line = gpio_line(kRelay);
  std::get<GpioPlace>(line.place).line = "GPOI17";
  EXPECT_EQ(Hand({line}).done(LineAction::read).error,
            "pinctrl-bcm2835: unknown line 'GPOI17'; did you mean 'GPIO17'?");
}

TEST_F(GpioRig, AUserWhoMayNotOpenTheChipIsToldTheGroup) {
  ASSERT_EQ(::chown(chip_.device_path().c_str(), 0, 997), 0);
  ASSERT_EQ(::chmod(chip_.device_path().c_str(), 0660), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool dropped = ::setgid(65534) == 0 && ::setuid(65534) == 0;
    const std::string error = Hand({gpio_line(kRelay)}).done(LineAction::read).error;
    const bool good = dropped && error.find("permission denied") != std::string::npos &&
                      error.find("must be in group 'gpio'") != std::string::npos;
    if (!good) std::printf("it said: %s\n", error.c_str());
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(GpioRig, APressGoesDownOnceAndUpOnce) {
  Hand hand({gpio_line(kRelay, LineRole::button)});
  EXPECT_EQ(hand.done(LineAction::read).level, false);
  (void)trace_.take(chip_);
  const LineReport report = hand.done(LineAction::press, 0, 100);
  EXPECT_EQ(report.error, "");
  EXPECT_EQ(report.level, false);
  // After the press the hand lets go once more, which is no edge.
  EXPECT_THAT(trace_.take(chip_), ElementsAre("17=1", "17=0", "17=0"));
}

TEST_F(GpioRig, APressEndsThoughTheAggregatorIsKilledInItAndTheNextOneTakesTheLineThen) {
  const pid_t aggregator = ::fork();
  if (aggregator == 0) {
    Hand hand({gpio_line(kRelay, LineRole::button)});
    hand.start(LineAction::press, 0, 1500);
    ::pause();
  }
  ASSERT_TRUE(eventually([&] { return chip_.level(kRelay); }));
  ::kill(aggregator, SIGKILL);
  ::waitpid(aggregator, nullptr, 0);
  EXPECT_TRUE(chip_.level(kRelay)) << "the press goes on";
  Hand next({gpio_line(kRelay, LineRole::button)});
  EXPECT_THAT(next.done(LineAction::read).error, HasSubstr("is held by another bramble: a press that is not over"));
  EXPECT_TRUE(eventually([&] { return !chip_.level(kRelay); }));
  EXPECT_EQ(next.seen().level, false) << "taken by itself when the press was over";
}

TEST_F(GpioRig, OtherLinesAreFreeAtOnceThoughAPressGoesOn) {
  const pid_t aggregator = ::fork();
  if (aggregator == 0) {
    Hand hand({gpio_line(kRelay, LineRole::button), gpio_line(18)});
    hand.start(LineAction::press, 0, 2000);
    ::pause();
  }
  ASSERT_TRUE(eventually([&] { return chip_.level(kRelay); }));
  ::kill(aggregator, SIGKILL);
  ::waitpid(aggregator, nullptr, 0);
  EXPECT_EQ(Hand({gpio_line(18)}).done(LineAction::read).error, "");
  EXPECT_TRUE(eventually([&] { return !chip_.level(kRelay); }));
}

TEST_F(GpioRig, AnInputTellsByItselfThatItChanged) {
  Hand hand({gpio_line(kRelay, LineRole::halted)});
  EXPECT_EQ(hand.done(LineAction::read).level, false);
  chip_.pull(kRelay, true);
  EXPECT_EQ(hand.seen().level, true);
  chip_.pull(kRelay, false);
  EXPECT_EQ(hand.seen().level, false);
}

TEST_F(GpioRig, AChipThatIsUnpluggedIsToldAndTakenAgainAsItStandsWhenItIsBack) {
  Hand hand({gpio_line(kRelay)});
  EXPECT_EQ(hand.done(LineAction::switch_on).level, true);
  chip_.unplug();
  EXPECT_THAT(hand.seen().error, HasSubstr("no such device"));
  EXPECT_THAT(hand.done(LineAction::switch_off).error, HasSubstr("this machine has no GPIO chips"));
  chip_.plug_in();
  const LineReport back = hand.seen();
  EXPECT_EQ(back.error, "");
  EXPECT_EQ(back.level, false) << "it came back without power";
  EXPECT_EQ(hand.done(LineAction::switch_on).level, true);
}

// The simulated chip keeps the last level of a line that is let go of, where a pull-up would raise it: so what was done
// to the line is looked at, not what it reads.
TEST_F(GpioRig, AnOpenDrainLineIsPulledDownAndLetGoOfButNeverDrivenUp) {
  LineConfig reset = gpio_line(kRelay, LineRole::reset, true);
  std::get<GpioPlace>(reset.place).open_drain = true;
  chip_.pull(kRelay, true);
  Hand hand({reset});
  EXPECT_EQ(hand.done(LineAction::read).level, false);
  EXPECT_THAT(trace_.take(chip_), ElementsAre("17 in"));
  (void)hand.done(LineAction::press, 0, 50);
  // The kernel notes the level that was asked for, 1, and carries it out by making the line an input.
  EXPECT_THAT(trace_.take(chip_), ElementsAre("17=0", "17=1", "17 in", "17=1", "17 in"));
}

TEST_F(GpioRig, TheDoctorSeesTheLineAndWhoHasItAndTouchesNothing) {
  const auto gpio = make_gpio_api();
  auto found = examine_lines({gpio_line(kRelay), gpio_line(kHogged)}, *gpio);
  EXPECT_EQ(found[0].path, chip_.device_path());
  EXPECT_EQ(found[0].offset, kRelay);
  EXPECT_EQ(found[0].driver, "gpio-sim");
  EXPECT_EQ(found[0].problem, "");
  EXPECT_EQ(found[1].consumer, "fan-hog");
  EXPECT_THAT(found[1].problem, HasSubstr("in use by 'fan-hog'"));
  Hand hand({gpio_line(kRelay)});
  EXPECT_EQ(hand.done(LineAction::switch_on).level, true);
  (void)trace_.take(chip_);
  found = examine_lines({gpio_line(kRelay)}, *gpio);
  EXPECT_EQ(found[0].consumer, "bramble");
  EXPECT_EQ(found[0].problem, "");
  EXPECT_THAT(trace_.take(chip_), ElementsAre());
}

TEST_F(GpioRig, TheDoctorKnowsWhatBecomesOfALevelWhenItsUserEndsAndSoItIs) {
  for (const bool keeps : {false, true}) {
    GpioSim::keep_levels(keeps);
    const auto found = examine_lines({gpio_line(kRelay)}, *make_gpio_api()).at(0);
    EXPECT_EQ(found.when_released, keeps ? WhenReleased::keeps : WhenReleased::falls);
    EXPECT_EQ(found.advice.empty(), keeps) << found.advice;
    EXPECT_EQ(Hand({gpio_line(kRelay)}).done(LineAction::switch_on).level, true);
    EXPECT_EQ(chip_.level(kRelay), keeps);
  }
  EXPECT_EQ(Hand({gpio_line(kRelay)}).done(LineAction::read).level, true) << "adopted as it was left";
  GpioSim::keep_levels(false);
}

}  // namespace
}  // namespace bramble::rig
