#include "common/posix/service_notifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cstdlib>

#include "support/notify_socket.hpp"
#include "support/temp_dir.hpp"

namespace bramble::posix {
namespace {

using testing::HasSubstr;
using testing::Not;

// The environment that systemd gives its service; nothing is left of it afterwards.
class ServiceNotifierTest : public testing::Test {
 protected:
  ServiceNotifierTest() { ::setenv("NOTIFY_SOCKET", socket_.name().c_str(), 1); }
  ~ServiceNotifierTest() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
  }

  // Runs the loop until systemd has heard something.
  std::string hear() {
    loop_.add_fd(socket_.fd(), EPOLLIN, [this](uint32_t) { loop_.stop(); });
    loop_.run();
    loop_.remove_fd(socket_.fd());
    return socket_.take();
  }

  test::TempDir dir_;
  test::NotifySocket socket_{dir_ / "notify"};
  EventLoop loop_;
  std::string line_ = "3 of 4 slots busy";
  std::function<std::string()> status_ = [this] { return line_; };
};

TEST_F(ServiceNotifierTest, SaysThatTheDaemonIsReadyAndWhatItDoes) {
  ServiceNotifier notifier(loop_, status_);
  EXPECT_EQ(socket_.take(), "");
  notifier.ready();
  EXPECT_EQ(socket_.take(), "READY=1\nSTATUS=3 of 4 slots busy\n");
}

TEST_F(ServiceNotifierTest, FeedsTheWatchdogFromTheLoopAndTellsTheStatusOnlyWhenItChanges) {
  ::setenv("WATCHDOG_USEC", "100000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  ServiceNotifier notifier(loop_, status_);
  notifier.ready();
  socket_.take();
  EXPECT_EQ(hear(), "WATCHDOG=1\n");
  line_ = "4 of 4 slots busy\nREADY=0";
  std::string heard = hear();
  while (heard == "WATCHDOG=1\n") heard = hear();  // sent before the change
  EXPECT_EQ(heard, "WATCHDOG=1\nSTATUS=4 of 4 slots busy READY=0\n") << "a line must not become two words";
}

TEST_F(ServiceNotifierTest, LeavesAnotherProcessesWatchdogAlone) {
  ::setenv("WATCHDOG_USEC", "20000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  ServiceNotifier notifier(loop_, status_);
  notifier.ready();
  socket_.take();
  bool heard = false;
  loop_.add_fd(socket_.fd(), EPOLLIN, [&](uint32_t) { heard = true; });
  loop_.call_after(200, [this] { loop_.stop(); });
  loop_.run();
  EXPECT_FALSE(heard);
}

TEST_F(ServiceNotifierTest, FeedsNoWatchdogOnceItStops) {
  ::setenv("WATCHDOG_USEC", "20000", 1);
  ServiceNotifier notifier(loop_, status_);
  notifier.ready();
  socket_.take();
  notifier.stopping();
  EXPECT_EQ(socket_.take(), "STOPPING=1\n");
  loop_.call_after(200, [this] { loop_.stop(); });
  loop_.run();
  EXPECT_EQ(socket_.take(), "");
}

TEST_F(ServiceNotifierTest, LeavesNothingOfItToChildren) {
  ::setenv("WATCHDOG_USEC", "20000", 1);
  const ServiceNotifier notifier(loop_, status_);
  EXPECT_EQ(::getenv("NOTIFY_SOCKET"), nullptr);
  EXPECT_EQ(::getenv("WATCHDOG_USEC"), nullptr);
}

TEST_F(ServiceNotifierTest, LeavesItToTheOneThatComesAfterIt) {
  { const ServiceNotifier first(loop_, status_); }
  ServiceNotifier second(loop_, status_);
  second.ready();
  EXPECT_THAT(socket_.take(), HasSubstr("READY=1"));
}

TEST_F(ServiceNotifierTest, DoesNothingWithoutSystemd) {
  ::unsetenv("NOTIFY_SOCKET");
  ServiceNotifier notifier(loop_, [] {
    ADD_FAILURE() << "asked for a status that nobody hears";
    return std::string();
  });
  notifier.ready();
  notifier.stopping();
}

TEST_F(ServiceNotifierTest, ComplainsOnceOfANameThatIsNoSockets) {
  for (const std::string& name : {std::string("relative/path"), "/" + std::string(200, 'x')}) {
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    testing::internal::CaptureStderr();
    ServiceNotifier notifier(loop_, status_);
    notifier.ready();
    notifier.stopping();
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_THAT(said, HasSubstr("NOTIFY_SOCKET is not the name of a socket: systemd is told nothing"));
    EXPECT_EQ(said.find("NOTIFY_SOCKET"), said.rfind("NOTIFY_SOCKET"));
  }
}

TEST_F(ServiceNotifierTest, ASocketThatNobodyReadsHoldsNothingUp) {
  ServiceNotifier notifier(loop_, status_);
  for (int i = 0; i < 10'000; ++i) {
    line_ = std::to_string(i);
    notifier.stopping();  // each says something new
  }
  EXPECT_THAT(socket_.take(), Not(HasSubstr("STATUS=9999")));
}

}  // namespace
}  // namespace bramble::posix
