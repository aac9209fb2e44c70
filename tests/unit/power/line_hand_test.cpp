#include "aggregator/power/line_hand.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <condition_variable>

#include "aggregator/power/drivers.hpp"
#include "common/posix/files.hpp"
#include "support/temp_dir.hpp"
#include "unit/power/fake_gpio.hpp"

namespace bramble::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

class Reports {
 public:
  std::function<void(LineReport)> sink() {
    return [this](LineReport report) {
      const std::lock_guard lock(mutex_);
      all_.push_back(std::move(report));
      changed_.notify_all();
    };
  }
  std::vector<LineReport> wait_for(size_t number) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30), [&] { return all_.size() >= number; }))
        << "only " << all_.size() << " reports came";
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<LineReport> all_;
};

// Ends an operation when the test says so, or at once.
class FakeDriver : public LineDriver {
 public:
  explicit FakeDriver(bool waits) : waits_(waits) {}
  void begin(const LineOp&, Done done) override {
    if (waits_) {
      held_ = std::move(done);
    } else {
      done({true, {}, {}});
    }
  }

 private:
  const bool waits_;
  Done held_;
};

std::vector<LineConfig> configs(size_t number) { return std::vector<LineConfig>(number); }

LineOp op(uint64_t number, LineIndex line, LineAction action = LineAction::read) { return {number, line, action, 0}; }

std::vector<uint64_t> numbers_of(const std::vector<LineReport>& reports) {
  std::vector<uint64_t> numbers;
  for (const LineReport& report : reports) numbers.push_back(report.number.value_or(0));
  return numbers;
}

TEST(LineHandTest, AnswersTheOperationsOfALineInTheirOrder) {
  Reports reports;
  LineHand hand(configs(1), reports.sink(), [](const auto&, auto&) { return std::make_unique<FakeDriver>(false); });
  hand.add({op(1, 0), op(2, 0)});
  hand.add({op(3, 0)});
  EXPECT_THAT(numbers_of(reports.wait_for(3)), ElementsAre(1, 2, 3));
}

TEST(LineHandTest, ALineThatHangsHoldsUpNoOther) {
  Reports reports;
  LineIndex next = 0;
  LineHand hand(configs(3), reports.sink(),
                [&](const auto&, auto&) { return std::make_unique<FakeDriver>(next++ == 0); });
  hand.add({op(1, 0), op(2, 0), op(3, 1), op(4, 2), op(5, 1)});
  const auto all = reports.wait_for(3);
  EXPECT_THAT(numbers_of(all), testing::UnorderedElementsAre(3, 4, 5));
}

TEST(LineHandTest, OneOperationTooManyIsAnsweredAtOnce) {
  Reports reports;
  LineHand hand(configs(1), reports.sink(), [](const auto&, auto&) { return std::make_unique<FakeDriver>(true); });
  std::vector<LineOp> ops;
  for (uint64_t i = 1; i <= kMaxWaitingLineOps + 1; ++i) ops.push_back(op(i, 0));
  hand.add(ops);
  EXPECT_THAT(reports.wait_for(1),
              ElementsAre(AllOf(Field(&LineReport::number, kMaxWaitingLineOps + 1),
                                Field(&LineReport::error, HasSubstr("too many operations of lines wait")))));
}

TEST(LineHandTest, ALineThatIsNotConfiguredIsAnsweredWithAnError) {
  Reports reports;
  LineHand hand(configs(1), reports.sink(), [](const auto&, auto&) { return std::make_unique<FakeDriver>(false); });
  hand.add({op(1, 7)});
  EXPECT_THAT(reports.wait_for(1), ElementsAre(Field(&LineReport::error, HasSubstr("not done"))));
}

LineConfig sim(const TempDir& dir, const std::string& name, LineRole role) {
  LineConfig line;
  line.spec = {name, role, name, 500, 10'000};
  line.place = SimPlace{dir / name};
  return line;
}

TEST(LineHandTest, DrivesRealLinesAndTellsWhatItSees) {
  const TempDir dir;
  ASSERT_TRUE(posix::write_file_atomically(dir / "supply", "1\n"));
  Reports reports;
  LineHand hand({sim(dir, "supply", LineRole::supply), sim(dir, "button", LineRole::button),
                 sim(dir, "halted", LineRole::halted)},
                reports.sink());
  hand.add({op(1, 0), {2, 1, LineAction::press, 50}, op(3, 0, LineAction::switch_off), op(4, 2)});
  std::vector<LineReport> all = reports.wait_for(4);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  EXPECT_EQ(all[0].level, true);
  EXPECT_EQ(all[1].level, false);
  EXPECT_EQ(all[2].level, false);
  EXPECT_EQ(all[3].level, false);
  for (const LineReport& report : all) EXPECT_EQ(report.error, "");
  ASSERT_TRUE(posix::write_file_atomically(dir / "halted", "1\n"));
  const LineReport seen = reports.wait_for(5).back();
  EXPECT_EQ(seen.number, std::nullopt);
  EXPECT_EQ(seen.line, 2U);
  EXPECT_EQ(seen.level, true);
}

TEST(LineHandTest, GoesAtOnceThoughAProgramRunsAndLeavesItNotRunning) {
  const TempDir dir;
  LineConfig line;
  line.place = CommandPlace{
      {"sh", "-c", "echo $$ >" + dir / "pid" + ".tmp; mv " + dir / "pid" + ".tmp " + dir / "pid" + "; exec sleep 600"},
      {"true"},
      {},
      60'000};
  Reports reports;
  auto hand = std::make_unique<LineHand>(std::vector<LineConfig>{line}, reports.sink());
  hand->add({op(1, 0, LineAction::switch_on)});
  std::string pid;
  while (pid.empty()) {
    pid = posix::read_file(dir / "pid", 100).value_or("");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // files tell of no change
  }
  hand.reset();
  EXPECT_EQ(::kill(std::stoi(pid), 0), -1);
}

TEST(LineHandTest, TakesGpioLinesAtTheStartWithoutAnEdgeAndLetsGoOfThemAtTheEnd) {
  const auto gpio = pi_five();
  gpio->wire("/dev/gpiochip0", 2)->high = true;
  LineConfig line;
  GpioPlace place;
  place.chip = "pinctrl-rp1";
  place.line = "GPIO17";
  line.place = place;
  Reports reports;
  auto hand = std::make_unique<LineHand>(std::vector<LineConfig>{line}, reports.sink(), DriverMaker(gpio));
  hand->add({op(1, 0)});
  EXPECT_EQ(reports.wait_for(1).front().level, true);
  hand.reset();
  EXPECT_TRUE(gpio->wire("/dev/gpiochip0", 2)->high);
  EXPECT_EQ(gpio->wire("/dev/gpiochip0", 2)->used_by, "");
  for (const std::string& entry : gpio->record)
    EXPECT_THAT(entry, Not(testing::AnyOf(HasSubstr("rises"), HasSubstr("falls"))));
}

TEST(LineHandTest, TheLinesOfOneFileDoNotTakeEachOtherForAnotherAggregator) {
  const auto gpio = pi_five();
  GpioPlace named;
  named.chip = "pinctrl-rp1";
  named.line = "GPIO17";
  GpioPlace numbered;
  numbered.chip = "pinctrl-rp1";
  numbered.offset = 2;
  const std::vector<LineConfig> lines{{{"pi01", LineRole::supply, "pinctrl-rp1 GPIO17"}, named},
                                      {{"pi02", LineRole::supply, "pinctrl-rp1 line 2"}, numbered}};
  Reports reports;
  auto hand = std::make_unique<LineHand>(lines, reports.sink(), DriverMaker(gpio));
  hand->add({op(1, 0)});
  reports.wait_for(1);
  hand->add({op(2, 1)});
  const auto all = reports.wait_for(2);
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const LineReport& report) {
    return report.line == 1 &&
           report.error == "pinctrl-rp1 line 2 is given to the supply of pi01 already: a line switches one thing";
  }));
}

}  // namespace
}  // namespace bramble::test
