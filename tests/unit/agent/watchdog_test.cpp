#include "agent/runner/watchdog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "common/posix/files.hpp"
#include "common/posix/system_clock.hpp"
#include "support/temp_dir.hpp"

namespace bramble::runner {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kDevice = "/dev/watchdog0";

// What a device is told, in order, and how it answers.
struct FakeDevice {
  std::vector<std::string> calls;
  int opened = 5;
  int set = 0;
  int got = 0;
  int kept = 0;
  int written = 1;
  int timeout_s = 1;  // that its driver has
  bool nowayout = false;
  std::function<void()> on_fed = [] {};
};

class FakeCalls : public WatchdogCalls {
 public:
  explicit FakeCalls(FakeDevice& device) : device_(device) {}

  int open(const std::string& path) override { return said("open " + path, device_.opened); }
  int set_timeout(int fd, int& seconds) override {
    return said("set " + std::to_string(seconds) + of(fd), device_.set);
  }
  int get_timeout(int fd, int& seconds) override {
    seconds = device_.timeout_s;
    return said("get" + of(fd), device_.got);
  }
  int keep_alive(int fd) override {
    const int result = said("feed" + of(fd), device_.kept);
    device_.on_fed();
    return result;
  }
  int write(int fd, std::string_view bytes) override {
    return said("write " + std::string(bytes) + of(fd), device_.written);
  }
  void close(int fd) override { said("close" + of(fd), 0); }
  bool cannot_be_stopped(const std::string&) override { return device_.nowayout; }

 private:
  static std::string of(int fd) { return fd == 5 ? "" : " wrong descriptor " + std::to_string(fd); }
  int said(std::string call, int result) {
    device_.calls.push_back(std::move(call));
    return result;
  }

  FakeDevice& device_;
};

struct WatchdogTest : ::testing::Test {
  posix::EventLoop loop;
  FakeDevice device;
  std::vector<std::string> said;
  std::unique_ptr<Watchdog> watchdog = make(kDevice);

  std::unique_ptr<Watchdog> make(const std::string& path) {
    return std::make_unique<Watchdog>(
        loop, path, [this](std::string line) { said.push_back(std::move(line)); }, std::make_unique<FakeCalls>(device));
  }
  // Lets the loop run until the device was fed so many times more.
  void run_until_fed(int times) {
    const auto limit = loop.call_after(30'000, [this] {
      ADD_FAILURE() << "it is not fed";
      loop.stop();
    });
    device.on_fed = [this, &times] {
      if (--times == 0) loop.stop();
    };
    loop.run();
    loop.cancel(limit);
    device.on_fed = [] {};
  }
};

TEST_F(WatchdogTest, SetsTheTimeoutReadsItBackAndFeedsAtOnce) {
  device.timeout_s = 15;
  watchdog->start();
  EXPECT_THAT(device.calls, ElementsAre("open /dev/watchdog0", "set 15", "get", "feed"));
  EXPECT_THAT(said, ElementsAre("the watchdog /dev/watchdog0 resets this machine when the agent hangs for 15 s"));
}

TEST_F(WatchdogTest, FeedsFromTheLoopAtAThirdOfTheTimeoutThatTheDriverHas) {
  const MonoTime begin = posix::mono_now();  // it feeds at its start, and counts from there
  watchdog->start();
  EXPECT_THAT(said, ElementsAre(HasSubstr("hangs for 1 s")));
  device.calls.clear();
  run_until_fed(2);
  EXPECT_THAT(device.calls, ElementsAre("feed", "feed"));
  EXPECT_GE(posix::mono_now() - begin, 2 * 333);
}

TEST_F(WatchdogTest, IsStoppedByTheMagicCloseAtARegularEnd) {
  watchdog->start();
  device.calls.clear();
  watchdog->stop();
  watchdog->stop();
  watchdog.reset();
  EXPECT_THAT(device.calls, ElementsAre("write V", "close"));
  loop.call_after(400, [this] { loop.stop(); });  // its next meal would have been due
  loop.run();
  EXPECT_THAT(device.calls, ElementsAre("write V", "close"));
}

TEST_F(WatchdogTest, IsLeftCountingWhenTheAgentEndsOtherwise) {
  watchdog->start();
  device.calls.clear();
  watchdog.reset();
  EXPECT_THAT(device.calls, ElementsAre("close"));
}

TEST_F(WatchdogTest, IsLeftAloneWhereNoneIsConfigured) {
  watchdog = make("");
  watchdog->start();
  watchdog->stop();
  EXPECT_THAT(device.calls, IsEmpty());
  EXPECT_THAT(said, IsEmpty());
}

struct NotOpened {
  const char* name;
  int error_number;
  const char* advice;
};

class WatchdogNotOpened : public WatchdogTest, public ::testing::WithParamInterface<NotOpened> {};

TEST_P(WatchdogNotOpened, IsSaidInOneSentenceAndDoneWithout) {
  device.opened = -GetParam().error_number;
  watchdog->start();
  watchdog->stop();
  EXPECT_THAT(device.calls, ElementsAre("open /dev/watchdog0"));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_THAT(said[0], ::testing::StartsWith("no watchdog /dev/watchdog0: "));
  EXPECT_THAT(said[0], HasSubstr(GetParam().advice));
  EXPECT_THAT(said[0], ::testing::EndsWith("; going on without it"));
}

INSTANTIATE_TEST_SUITE_P(All, WatchdogNotOpened,
                         ::testing::Values(NotOpened{"Absent", ENOENT, "bcm2835_wdt"},
                                           NotOpened{"WithoutADriver", ENODEV, "bcm2835_wdt"},
                                           NotOpened{"Forbidden", EACCES, "60-bramble-watchdog.rules"},
                                           NotOpened{"ForbiddenByACage", EPERM, "60-bramble-watchdog.rules"},
                                           NotOpened{"Busy", EBUSY, "RuntimeWatchdogSec"},
                                           NotOpened{"Broken", EIO, "input/output error"}),
                         [](const auto& each) { return each.param.name; });

TEST_F(WatchdogTest, WritesNothingToWhatIsNone) {
  device.set = device.got = -ENOTTY;
  watchdog->start();
  watchdog->stop();
  EXPECT_THAT(device.calls, ElementsAre("open /dev/watchdog0", "set 15", "get", "close"));
  EXPECT_THAT(said, ElementsAre(HasSubstr("it is not one")));
}

TEST_F(WatchdogTest, GoesByTheTimeoutOfADriverThatDoesNotLetItBeSet) {
  device.set = -EOPNOTSUPP;
  device.timeout_s = 60;
  watchdog->start();
  EXPECT_EQ(device.calls.back(), "feed");
  EXPECT_THAT(said, ElementsAre(HasSubstr("hangs for 60 s")));
}

TEST_F(WatchdogTest, GoesByWhatWasSetWhereItCannotBeReadBack) {
  device.got = -EOPNOTSUPP;
  watchdog->start();
  EXPECT_EQ(device.calls.back(), "feed");
  EXPECT_THAT(said, ElementsAre(HasSubstr("hangs for")));
}

TEST_F(WatchdogTest, WarnsOfADriverThatCannotBeStopped) {
  device.nowayout = true;
  watchdog->start();
  EXPECT_THAT(said, ElementsAre(HasSubstr("also when the agent is stopped")));
}

TEST_F(WatchdogTest, SaysOnceThatItCannotBeFedAndKeepsTrying) {
  watchdog->start();
  said.clear();
  device.kept = -EIO;
  run_until_fed(2);
  EXPECT_THAT(said, ElementsAre(HasSubstr("cannot be fed: input/output error")));
}

TEST_F(WatchdogTest, SaysThatItCannotBeStopped) {
  watchdog->start();
  said.clear();
  device.written = -EIO;
  watchdog->stop();
  EXPECT_THAT(said, ElementsAre(HasSubstr("resets this machine within 1 s")));
}

TEST(WatchdogCalls, TellErrorsOfTheKernelAsTheyAre) {
  const test::TempDir dir;
  WatchdogCalls calls;
  EXPECT_EQ(calls.open(dir / "watchdog0"), -ENOENT);
  ASSERT_TRUE(posix::write_file_atomically(dir / "watchdog0", "text"));
  const int fd = calls.open(dir / "watchdog0");
  ASSERT_GE(fd, 0);
  int seconds = 15;
  if (calls.keep_alive(fd) == -ENOSYS)
    GTEST_SKIP() << "runs under an emulator that does not hand on a watchdog's calls";
  EXPECT_EQ(calls.set_timeout(fd, seconds), -ENOTTY);
  EXPECT_EQ(calls.get_timeout(fd, seconds), -ENOTTY);
  EXPECT_EQ(calls.keep_alive(fd), -ENOTTY);
  EXPECT_EQ(calls.write(fd, "V"), 1);
  calls.close(fd);
  EXPECT_EQ(posix::read_file(dir / "watchdog0", 100), "Vext");
  EXPECT_FALSE(calls.cannot_be_stopped(dir / "watchdog0"));
}

}  // namespace
}  // namespace bramble::runner
