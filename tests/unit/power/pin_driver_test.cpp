#include "aggregator/power/pin_driver.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "aggregator/power/gpio_pin.hpp"
#include "aggregator/power/sim_pin.hpp"
#include "common/posix/files.hpp"
#include "support/temp_dir.hpp"
#include "unit/power/fake_gpio.hpp"
#include "unit/power/loop_runner.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class PinDriverTest : public testing::Test {
 protected:
  PinDriverTest() { gpio_->chips = {{"/dev/gpiochip0", "chip", {{"RELAY"}}}}; }

  PinDriver& gpio_driver(LineRole role) {
    GpioPlace place;
    place.chip = "chip";
    place.line = "RELAY";
    driver_ =
        std::make_unique<PinDriver>(role, std::make_unique<GpioPin>(gpio_, place, role == LineRole::halted), loop_);
    return *driver_;
  }
  PinDriver& sim_driver(LineRole role) {
    driver_ = std::make_unique<PinDriver>(role, std::make_unique<SimPin>(path_), loop_);
    return *driver_;
  }
  LineOutcome op(LineAction action, int64_t press_ms = 0) { return do_op(loop_, *driver_, action, press_ms); }
  FakeWire& wire() { return *gpio_->wire("/dev/gpiochip0", 0); }
  std::string file() const { return posix::read_file(path_, 100).value_or("none"); }

  TempDir dir_;
  const std::string path_ = dir_ / "pi01.supply";
  posix::EventLoop loop_;
  std::shared_ptr<FakeGpio> gpio_ = std::make_shared<FakeGpio>();
  std::unique_ptr<PinDriver> driver_;
};

TEST_F(PinDriverTest, ReadingTellsTheLevelAndMakesNoEdge) {
  wire().high = true;
  gpio_driver(LineRole::supply);
  const LineOutcome outcome = op(LineAction::read);
  EXPECT_EQ(outcome.level, true);
  EXPECT_EQ(outcome.error, "");
  EXPECT_TRUE(wire().high);
}

TEST_F(PinDriverTest, SwitchingReadsBackAndTwiceMakesOneEdge) {
  gpio_driver(LineRole::supply);
  EXPECT_EQ(op(LineAction::switch_on).level, true);
  EXPECT_EQ(op(LineAction::switch_on).level, true);
  EXPECT_EQ(op(LineAction::switch_off).level, false);
  EXPECT_EQ(std::count(gpio_->record.begin(), gpio_->record.end(), "/dev/gpiochip0 0: rises"), 1);
  EXPECT_EQ(std::count(gpio_->record.begin(), gpio_->record.end(), "/dev/gpiochip0 0: falls"), 1);
}

TEST_F(PinDriverTest, ALineThatSticksIsAnErrorWithTheLevelThatItHas) {
  wire().high = true;
  gpio_->sticks = true;
  gpio_driver(LineRole::supply);
  const LineOutcome outcome = op(LineAction::switch_off);
  EXPECT_EQ(outcome.level, true);
  EXPECT_EQ(outcome.error,
            "it was switched off and reads back on: look at the wiring and at what else drives this line");
}

TEST_F(PinDriverTest, RefusesWhatItsRoleCannotDoAndTouchesNothing) {
  gpio_driver(LineRole::supply);
  EXPECT_EQ(op(LineAction::press, 10).error, "only a button or a reset line can be pressed");
  for (const auto role : {LineRole::button, LineRole::reset, LineRole::halted}) {
    gpio_driver(role);
    EXPECT_EQ(op(LineAction::switch_off).error, "only a supply can be switched");
  }
  EXPECT_THAT(gpio_->record, IsEmpty());
}

TEST_F(PinDriverTest, AnInputIsSeenToChangeOnce) {
  gpio_driver(LineRole::halted);
  EXPECT_FALSE(driver_->look({0}));
  wire().high = true;
  const auto seen = driver_->look({1});
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->level, true);
  EXPECT_FALSE(driver_->look({2}));
}

TEST_F(PinDriverTest, AChipThatGoesIsToldOnceAndLookedForAgain) {
  gpio_driver(LineRole::supply);
  EXPECT_EQ(op(LineAction::switch_on).level, true);
  auto chips = std::exchange(gpio_->chips, {});
  const auto gone = driver_->look({1000});
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->level, std::nullopt);
  EXPECT_EQ(gone->error, "cannot read the line: no such device");
  const auto missing = driver_->look({3000});
  ASSERT_TRUE(missing);
  EXPECT_THAT(missing->error, HasSubstr("no GPIO chips"));
  EXPECT_FALSE(driver_->look({5000}));
  EXPECT_FALSE(driver_->look({7000}));
  gpio_->chips = chips;
  wire().used_by.clear();
  EXPECT_FALSE(driver_->look({7500})) << "it is not looked for all the time";
  const auto back = driver_->look({9000});
  ASSERT_TRUE(back);
  EXPECT_EQ(back->level, true);
  EXPECT_EQ(back->error, "");
}

TEST_F(PinDriverTest, AnOperationWhileTheChipIsGoneSaysSoAndWorksAgainWhenItIsBack) {
  const auto chips = std::exchange(gpio_->chips, {});
  gpio_driver(LineRole::supply);
  EXPECT_THAT(op(LineAction::switch_on).error, HasSubstr("there is no GPIO chip with the label 'chip'"));
  gpio_->chips = chips;
  EXPECT_EQ(op(LineAction::switch_on).level, true);
}

TEST_F(PinDriverTest, APressGoesDownAndUpAgainByItself) {
  sim_driver(LineRole::button);
  std::vector<std::string> seen;
  bool done = false;
  driver_->begin({1, 0, LineAction::press, 300}, [&](LineOutcome outcome) {
    EXPECT_EQ(outcome.level, false);
    EXPECT_EQ(outcome.error, "");
    done = true;
    loop_.stop();
  });
  const std::function<void()> watch = [&] {
    if (seen.empty() || seen.back() != file()) seen.push_back(file());
    if (!done) loop_.call_after(5, watch);
  };
  watch();
  loop_.run();
  EXPECT_THAT(seen, testing::Contains("1\n"));
  EXPECT_EQ(file(), "0\n");
}

TEST_F(PinDriverTest, AButtonThatSticksIsTold) {
  ASSERT_TRUE(posix::write_file_atomically(path_, "1\n"));
  std::ofstream(path_ + ".stuck") << "";
  sim_driver(LineRole::button);
  const LineOutcome outcome = op(LineAction::press, 10);
  EXPECT_EQ(outcome.level, true);
  EXPECT_EQ(outcome.error, "it still reads pressed after the press: look at active_low and the wiring");
}

TEST_F(PinDriverTest, ASimulatedLineIsAFileThatCanStickAndGo) {
  ASSERT_TRUE(posix::write_file_atomically(path_, "1\n"));
  sim_driver(LineRole::supply);
  EXPECT_EQ(op(LineAction::read).level, true);
  std::ofstream(path_ + ".stuck") << "";
  EXPECT_THAT(op(LineAction::switch_off).error, HasSubstr("reads back on"));
  std::filesystem::remove(path_ + ".stuck");
  EXPECT_EQ(op(LineAction::switch_off).level, false);
  EXPECT_EQ(file(), "0\n");
  ASSERT_TRUE(posix::write_file_atomically(path_, "maybe\n"));
  EXPECT_EQ(op(LineAction::read).error, path_ + " holds neither 0 nor 1");
  ASSERT_TRUE(posix::remove_tree(dir_.path()));
  EXPECT_THAT(op(LineAction::read).error, HasSubstr("no such file or directory"));
}

}  // namespace
}  // namespace bramble::test
