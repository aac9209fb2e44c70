// The agent's watchdog on the kernel's own, which here only says that it would reset the machine. Runs as root in a
// guest: tests/rig/README.md.
#include "agent/runner/watchdog.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "common/posix/files.hpp"

namespace bramble::rig {
namespace {

using runner::Watchdog;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kDevice = "/dev/watchdog0";
constexpr const char* kFired = "Triggered";        // softdog, when nobody feeds it
constexpr const char* kCounting = "did not stop";  // the kernel, of one that was closed and not stopped
constexpr int kShortS = 2;

// The kernel's calls, but a timeout for which a test can wait.
class ShortCalls : public runner::WatchdogCalls {
 public:
  int set_timeout(int fd, int& seconds) override {
    seconds = kShortS;
    return WatchdogCalls::set_timeout(fd, seconds);
  }
};

// What the kernel has said since this was made.
class KernelLog {
 public:
  KernelLog() : before_(whole().size()) {}
  std::string said() const { return whole().substr(before_); }

 private:
  static std::string whole() {
    EXPECT_EQ(std::system("dmesg >/tmp/dmesg"), 0);
    return posix::read_file("/tmp/dmesg", 1 << 20).value_or("");
  }
  size_t before_;
};

class WatchdogRig : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_EQ(std::system("insmod /rig/modules/softdog.ko soft_noboot=1"), 0)  // only says what it would do
        << "the rig is of an older day: remove build/rig and run tests/rig/prepare.sh";
  }

  std::unique_ptr<Watchdog> make(std::unique_ptr<runner::WatchdogCalls> calls = std::make_unique<ShortCalls>()) {
    return std::make_unique<Watchdog>(
        loop_, kDevice, [this](std::string line) { said_.push_back(std::move(line)); }, std::move(calls));
  }
  void run_ms(int64_t ms) {
    loop_.call_after(ms, [this] { loop_.stop(); });
    loop_.run();
  }
  static void hang_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }
  static std::string attribute(const std::string& name) {
    return posix::read_file("/sys/class/watchdog/watchdog0/" + name, 100).value_or("none");
  }

  posix::EventLoop loop_;
  std::vector<std::string> said_;
  KernelLog kernel_;
};

TEST_F(WatchdogRig, SetsTheTimeoutThatARaspberryPiHasAndStopsItAgain) {
  auto watchdog = make(std::make_unique<runner::WatchdogCalls>());
  watchdog->start();
  EXPECT_EQ(attribute("timeout"), "15\n");
  EXPECT_EQ(attribute("state"), "active\n");
  EXPECT_THAT(said_, ElementsAre(HasSubstr("resets this machine when the agent hangs for 15 s")));
  watchdog->stop();
  EXPECT_EQ(attribute("state"), "inactive\n");
  EXPECT_THAT(kernel_.said(), Not(HasSubstr(kCounting)));
}

TEST_F(WatchdogRig, IsFedAsLongAsTheLoopRuns) {
  auto watchdog = make();
  watchdog->start();
  EXPECT_EQ(attribute("timeout"), "2\n");
  run_ms(3000 * kShortS);
  EXPECT_THAT(kernel_.said(), Not(HasSubstr(kFired)));
  watchdog->stop();
}

TEST_F(WatchdogRig, FiresWhenTheLoopHangs) {
  auto watchdog = make();
  watchdog->start();
  loop_.call_after(0, [] { hang_ms(1500 * kShortS); });
  run_ms(1);
  EXPECT_THAT(kernel_.said(), HasSubstr(kFired));
  watchdog->stop();
}

TEST_F(WatchdogRig, FiresWhenTheAgentDiesAndNobodyComesAfterIt) {
  make()->start();
  EXPECT_EQ(attribute("state"), "active\n");
  EXPECT_THAT(kernel_.said(), HasSubstr(kCounting));
  hang_ms(1500 * kShortS);
  EXPECT_THAT(kernel_.said(), HasSubstr(kFired));
  auto next = make();
  next->start();
  next->stop();
}

TEST_F(WatchdogRig, IsTakenOverInTimeByTheNextAgent) {
  make()->start();
  hang_ms(500 * kShortS);
  auto next = make();
  next->start();
  run_ms(1500 * kShortS);
  EXPECT_THAT(kernel_.said(), Not(HasSubstr(kFired)));
  next->stop();
  EXPECT_EQ(attribute("state"), "inactive\n");
}

TEST_F(WatchdogRig, IsLeftToWhoHasIt) {
  auto first = make();
  first->start();
  said_.clear();
  make()->start();
  EXPECT_THAT(said_, ElementsAre(HasSubstr("another program has it")));
  first->stop();
}

TEST_F(WatchdogRig, SaysWhichRuleLetsTheAgentHaveIt) {
  ASSERT_EQ(::chmod(kDevice, 0600), 0);
  ASSERT_EQ(::seteuid(65534), 0);
  make()->start();
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_THAT(said_, ElementsAre(HasSubstr("60-bramble-watchdog.rules")));
}

// The last: it cannot be taken back.
TEST_F(WatchdogRig, WarnsOfOneThatCannotBeStopped) {
  std::ofstream("/sys/class/watchdog/watchdog0/nowayout") << "1";
  ASSERT_EQ(attribute("nowayout"), "1\n");
  auto watchdog = make();
  watchdog->start();
  EXPECT_THAT(said_, ElementsAre(HasSubstr("also when the agent is stopped")));
  watchdog->stop();
  EXPECT_EQ(attribute("state"), "active\n");
}

}  // namespace
}  // namespace bramble::rig
