#include "aggregator/power/command_driver.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "common/posix/files.hpp"
#include "common/posix/system_clock.hpp"
#include "support/places.hpp"
#include "support/temp_dir.hpp"
#include "unit/power/config_text.hpp"
#include "unit/power/loop_runner.hpp"

namespace bramble::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

using Argv = std::vector<std::string>;

class CommandDriverTest : public testing::Test {
 protected:
  // A switch whose state is whether a file exists.
  CommandPlace place() const {
    return {{"touch", state_}, {"rm", "-f", state_}, {"test", "-e", state_}, kDefaultCommandLimitMs};
  }
  LineOutcome op(const CommandPlace& place, LineAction action) {
    CommandDriver driver(place, loop_);
    return do_op(loop_, driver, action);
  }

  // As it stands in the README, read as the aggregator reads it.
  static CommandPlace advised_for_uhubctl() {
    const std::string readme =
        posix::read_file(std::string(kSourceDir) + "/aggregator/power/README.md", 1 << 20).value_or("none");
    const size_t begin = readme.find("    [[line]]\n    node = \"pi02\"");
    EXPECT_NE(begin, std::string::npos);
    std::vector<LineConfig> lines;
    EXPECT_EQ(error_in(readme.substr(begin, readme.find("\n\n", begin) - begin),
                       [&](posix::ConfigFile& file) { lines = read_lines(file, "/"); }),
              "");
    return std::get<CommandPlace>(lines.at(0).place);
  }

  TempDir dir_;
  const std::string state_ = dir_ / "on";
  posix::EventLoop loop_;
};

TEST_F(CommandDriverTest, SwitchesAndReadsBackByTheExitStatus) {
  EXPECT_EQ(op(place(), LineAction::read).level, false);
  const LineOutcome on = op(place(), LineAction::switch_on);
  EXPECT_EQ(on.level, true);
  EXPECT_EQ(on.error, "");
  EXPECT_EQ(op(place(), LineAction::read).level, true);
  EXPECT_EQ(op(place(), LineAction::switch_off).level, false);
  EXPECT_FALSE(std::filesystem::exists(state_));
}

TEST_F(CommandDriverTest, WithoutAStatusTheLevelIsUnknown) {
  CommandPlace blind = place();
  blind.status.clear();
  const LineOutcome outcome = op(blind, LineAction::switch_on);
  EXPECT_EQ(outcome.level, std::nullopt);
  EXPECT_EQ(outcome.error, "");
  EXPECT_TRUE(std::filesystem::exists(state_));
}

TEST_F(CommandDriverTest, AProgramThatFailsIsToldWithItsStatusAndLastLine) {
  CommandPlace broken = place();
  broken.off = {"sh", "-c", "echo looking; echo no hub found >&2; exit 3"};
  EXPECT_EQ(op(broken, LineAction::switch_off).error, "sh ended with status 3: no hub found");
  broken.off = {"sh", "-c", "kill -9 $$"};
  EXPECT_EQ(op(broken, LineAction::switch_off).error, "sh ended with status 137");
}

TEST_F(CommandDriverTest, AStatusOtherThanOnAndOffIsAnErrorNotALevel) {
  CommandPlace broken = place();
  broken.status = {"sh", "-c", "echo timeout; exit 2"};
  const LineOutcome outcome = op(broken, LineAction::read);
  EXPECT_EQ(outcome.level, std::nullopt);
  EXPECT_EQ(outcome.error, "sh ended with status 2: timeout");
}

// The README's own example, with each of the things that uhubctl may say.
TEST_F(CommandDriverTest, TheStatusThatIsAdvisedForUhubctlTakesNoFailureForOff) {
  CommandPlace place = advised_for_uhubctl();
  const std::string advised = place.status.back();
  const auto read = [&](const std::string& uhubctl) {
    place.status.back() = "uhubctl() { " + uhubctl + "; }; " + advised;
    return op(place, LineAction::read);
  };
  const std::string hub = "echo 'Current status for hub 1-1 [2109:3431 USB2.0 Hub, USB 2.10, 4 ports, ppps]'";
  EXPECT_EQ(read(hub + "; echo '  Port 2: 0503 power highspeed enable connect [0bda:8153]'").level, true);
  EXPECT_EQ(read(hub + "; echo '  Port 2: 0000 off'").level, false);
  EXPECT_EQ(read("echo 'No compatible smart hubs detected at location 1-1!' >&2; return 1").error,
            "sh ended with status 2: No compatible smart hubs detected at location 1-1!");
  EXPECT_THAT(read(hub).error, StartsWith("sh ended with status 2: Current status")) << "it could not read the port";
}

TEST_F(CommandDriverTest, AProgramThatDoesNotExistIsTold) {
  CommandPlace missing = place();
  missing.on = {"no-such-program-anywhere"};
  EXPECT_EQ(op(missing, LineAction::switch_on).error,
            "cannot start no-such-program-anywhere: no such file or directory");
}

TEST_F(CommandDriverTest, OneThatDoesNotEndIsKilledWithAllThatItStarted) {
  CommandPlace slow = place();
  slow.limit_ms = 300;
  slow.on = {"sh", "-c", "sleep 600 & echo $! >" + dir_ / "child" + "; wait"};
  const MonoTime began = posix::mono_now();
  EXPECT_EQ(op(slow, LineAction::switch_on).error, "sh was ended at its time limit of 300 ms");
  EXPECT_GE(posix::mono_now() - began, 300);
  const std::string child = posix::read_file(dir_ / "child", 100).value();
  const std::string stat = "/proc/" + child.substr(0, child.find('\n')) + "/stat";
  for (int i = 0; i < 1000 && std::filesystem::exists(stat); ++i) {
    if (posix::read_file(stat, 4096).value_or(") Z").find(") Z") != std::string::npos) return;  // dead, not yet reaped
    loop_.call_after(5, [this] { loop_.stop(); });
    loop_.run();
  }
  EXPECT_FALSE(std::filesystem::exists(stat));
}

TEST_F(CommandDriverTest, TheStatusIsAskedUntilItAgrees) {
  CommandPlace lazy = place();
  // Says off twice more after it was switched on.
  lazy.status = {"sh", "-c", "echo >>" + dir_ / "asked" + "; test $(wc -l <" + dir_ / "asked" + ") -ge 3"};
  const LineOutcome outcome = op(lazy, LineAction::switch_on);
  EXPECT_EQ(outcome.level, true);
  EXPECT_EQ(outcome.error, "");
  EXPECT_THAT(posix::read_file(dir_ / "asked", 100).value(), SizeIs(3));
}

TEST_F(CommandDriverTest, AStatusThatNeverAgreesIsAnErrorAtTheTimeLimit) {
  CommandPlace stuck = place();
  stuck.limit_ms = 500;
  stuck.status = {"true"};
  const LineOutcome outcome = op(stuck, LineAction::switch_off);
  EXPECT_EQ(outcome.level, true);
  EXPECT_EQ(outcome.error, "it was switched off and its status says on");
}

TEST_F(CommandDriverTest, MuchOutputIsReadAndKeptWithinALimit) {
  posix::EventLoop loop;
  ProgramRun run(loop);
  std::optional<ProgramEnd> end;
  ASSERT_TRUE(run.start({"sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"}, 30'000, [&](ProgramEnd ended) {
    end = std::move(ended);
    loop.stop();
  }));
  loop.run();
  EXPECT_EQ(end->status, posix::ExitStatus{});
  EXPECT_THAT(end->output, AllOf(SizeIs(kMaxProgramOutputBytes), StartsWith("xxx")));
}

TEST_F(CommandDriverTest, CannotBePressed) {
  EXPECT_THAT(op(place(), LineAction::press).error, HasSubstr("cannot be pressed"));
}

}  // namespace
}  // namespace bramble::test
