#include "aggregator/power/press.hpp"

#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "aggregator/power/sim_pin.hpp"
#include "common/posix/files.hpp"
#include "common/posix/lock_file.hpp"
#include "support/temp_dir.hpp"

namespace bramble::test {
namespace {

using aggregator::SimPin;
using aggregator::start_press;

// The level that a file holds is not announced; it is looked at until it is right.
bool becomes(const std::string& path, const std::string& text) {
  for (int i = 0; i < 6000; ++i) {
    if (posix::read_file(path, 100).value_or("") == text) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

TEST(PressTest, EndsByItselfWhenTheProcessThatBeganItIsKilledInIt) {
  const TempDir dir;
  const std::string path = dir / "button";
  const pid_t aggregator = ::fork();
  if (aggregator == 0) {
    SimPin pin(path);
    const auto press = start_press(pin, 700);
    ::pause();
    ::_exit(press ? 0 : 1);
  }
  ASSERT_TRUE(becomes(path, "1\n"));
  ::kill(aggregator, SIGKILL);
  ::waitpid(aggregator, nullptr, 0);
  EXPECT_EQ(posix::read_file(path, 100).value(), "1\n") << "the press should still be under way";
  EXPECT_TRUE(becomes(path, "0\n"));
}

TEST(PressTest, ASignalThatEndsTheServiceDoesNotCutItShort) {
  const TempDir dir;
  SimPin pin(dir / "button");
  auto press = start_press(pin, 200);
  ASSERT_TRUE(press);
  ASSERT_TRUE(becomes(dir / "button", "1\n"));
  press->kill(SIGTERM);
  press->kill(SIGINT);
  press->kill(SIGHUP);
  EXPECT_EQ(press->wait(30'000), posix::ExitStatus{});
  EXPECT_EQ(posix::read_file(dir / "button", 100).value(), "0\n");
}

TEST(PressTest, HoldsNoLockOfTheProcessThatBeganIt) {
  const TempDir dir;
  SimPin pin(dir / "button");
  auto lock = posix::lock_file(dir / "lock");
  ASSERT_TRUE(lock);
  auto press = start_press(pin, 1000);
  ASSERT_TRUE(becomes(dir / "button", "1\n"));
  lock->reset();
  EXPECT_TRUE(posix::lock_file(dir / "lock")) << "a new aggregator could not start";
  press->kill_and_wait();
}

TEST(PressTest, APinThatCannotBeDrivenEndsItAtOnceWithAnError) {
  SimPin pin("/nowhere/at/all/button");
  auto press = start_press(pin, 60'000);
  ASSERT_TRUE(press);
  EXPECT_EQ(press->wait(30'000), (posix::ExitStatus{1, 0}));
}

}  // namespace
}  // namespace bramble::test
