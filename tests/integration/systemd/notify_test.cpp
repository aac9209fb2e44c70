// The real daemons, and the test in systemd's place: a NOTIFY_SOCKET and a watchdog.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "common/posix/files.hpp"
#include "support/daemon.hpp"
#include "support/mosquitto.hpp"
#include "support/notify_socket.hpp"
#include "support/temp_dir.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;

class NotifyTest : public testing::Test {
 protected:
  void start(std::vector<std::string> argv) {
    daemon_.emplace(argv[0], dir_ / "log", argv,
                    std::vector<std::string>{"NOTIFY_SOCKET=" + socket_.name(), "WATCHDOG_USEC=200000"});
    daemon_->start();
  }
  std::string write_config(const std::string& text) {
    EXPECT_TRUE(posix::write_file_atomically(dir_ / "config.toml", text));
    return dir_ / "config.toml";
  }
  // What every service owes systemd.
  void expect_a_whole_life(const std::string& status) {
    EXPECT_THAT(socket_.wait_for("READY=1\n"), HasSubstr("STATUS="));
    if (!status.empty()) socket_.wait_for(status);
    socket_.wait_for("WATCHDOG=1\n");
    socket_.wait_for("WATCHDOG=1\n");
    daemon_->signal(SIGTERM);
    socket_.wait_for("STOPPING=1\n");
    const auto ended = daemon_->wait_for_end();
    ASSERT_TRUE(ended);
    EXPECT_TRUE(ended->success());
  }

  void wait_until_stopped() const {
    const std::string status = "/proc/" + std::to_string(daemon_->pid()) + "/status";
    while (posix::read_file(status, 1 << 16).value().find("State:\tT") == std::string::npos) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // the kernel tells only a parent that waits for it
    }
  }

  TempDir dir_;
  NotifySocket socket_{dir_ / "notify"};
  std::optional<Daemon> daemon_;
};

TEST_F(NotifyTest, TheWardenSaysThatItIsReadyAndAlive) {
  start({BRAMBLE_WARDEN, "--state", dir_ / "warden", "--slots", "2"});
  EXPECT_THAT(socket_.wait_for("READY=1\n"), HasSubstr("STATUS=0 of 2 slots busy, no agent\n"));
  socket_.wait_for("WATCHDOG=1\n");
  daemon_->end();
  EXPECT_THAT(socket_.wait_for("STOPPING=1\n"), HasSubstr("stopping"));
}

TEST_F(NotifyTest, TheAgentSaysWhomItHasReached) {
  const Mosquitto broker;
  start({BRAMBLE_AGENT, "--config",
         write_config("machine_id = \"machine\"\nbroker_url = \"" + broker.url() + "\"\nstate_dir = \"" +
                      dir_ / "agent" + "\"\nwarden_socket = \"" + dir_ / "warden.sock" + "\"\n")});
  expect_a_whole_life("STATUS=connected to the broker, not yet welcomed by an aggregator, no warden");
}

TEST_F(NotifyTest, AnAgentThatIsNotJoinedIsReadyAndSaysWhatToDo) {
  start({BRAMBLE_AGENT, "--config",
         write_config("node = \"pi07\"\nmachine_id = \"machine\"\nstate_dir = \"" + dir_ / "agent" + "\"\n")});
  EXPECT_THAT(socket_.wait_for("READY=1\n"), HasSubstr("bramble node add pi07"));
  socket_.wait_for("WATCHDOG=1\n");
  daemon_->signal(SIGTERM);
  const auto ended = daemon_->wait_for_end();
  ASSERT_TRUE(ended);
  EXPECT_TRUE(ended->success());
}

TEST_F(NotifyTest, TheAggregatorCountsNodesAndTasks) {
  const Mosquitto broker;
  start({BRAMBLE_AGGREGATOR, "--config",
         write_config("state_dir = \"" + dir_ / "state" + "\"\napi_socket = \"" + dir_ / "api.sock" +
                      "\"\nbroker_url = \"" + broker.url() + "\"\n")});
  expect_a_whole_life("STATUS=0 nodes, no work\n");
}

TEST_F(NotifyTest, ADaemonThatHangsFallsSilent) {
  start({BRAMBLE_WARDEN, "--state", dir_ / "warden", "--slots", "1"});
  socket_.wait_for("WATCHDOG=1\n");
  daemon_->signal(SIGSTOP);
  wait_until_stopped();
  while (!socket_.take().empty()) {
  }
  EXPECT_THROW(socket_.wait_for("WATCHDOG=1\n", 1000), std::runtime_error);
  daemon_->signal(SIGCONT);
  socket_.wait_for("WATCHDOG=1\n");
}

}  // namespace
}  // namespace bramble::test
