#include "fixture.hpp"

namespace bramble::test {
namespace {

// A node whose machine is this test's: a program "shuts it down", which stops the agent as systemd would.
class AgentHaltTest : public AgentTest {
 protected:
  void join_with(const std::string& more) {
    halting_ = std::make_unique<AgentProcess>(dir_ / "halting", config("halting/state", more));
    halting_->start();
    birth_ = aggregator_.wait_status(true);
    aggregator_.welcome(birth_);
  }

  // It answers what was said after everything else.
  void expect_to_live_on() {
    wire::TasksMessage message;
    message.ask_status = true;
    aggregator_.send(message);
    EXPECT_EQ(aggregator_.wait_status(true).agent_id, birth_.agent_id);
  }

  std::unique_ptr<AgentProcess> halting_;
};

TEST_F(AgentHaltTest, IsShutDownByItsMachineAndSaysGoodbyeThen) {
  const std::string program = dir_ / "machine";
  const std::string script = "#!/bin/sh\necho $1 >" + dir_ / "word" + "\nkill -TERM $PPID\n";
  ASSERT_TRUE(posix::write_file_atomically(program, script, {.mode = 0755}));
  join_with("halt_command = \"" + program + "\"\n");
  aggregator_.control(wire::ControlAction::shutdown);
  EXPECT_EQ(aggregator_.wait_status(false).reason, "goodbye");
  EXPECT_TRUE(halting_->wait_for_end().success());
  EXPECT_EQ(posix::read_file(dir_ / "word", 100), "poweroff\n");
}

TEST_F(AgentHaltTest, LeavesItsRequestAndBeatsOnUntilItIsStopped) {
  std::filesystem::create_directories(dir_ / "run");
  join_with("halt_request = \"" + dir_ / "run/request" + "\"\n");
  aggregator_.control(wire::ControlAction::reboot);
  expect_to_live_on();
  EXPECT_EQ(halting_->times_logged("the aggregator asks this machine to boot again: a test"), 1U);
  EXPECT_EQ(posix::read_file(dir_ / "run/request", 100), "reboot\n");
}

TEST_F(AgentHaltTest, StaysWhereItCannotHaltItsMachineAndSaysSoOnce) {
  join_with("halt_request = \"" + dir_ / "no-such-directory/request" + "\"\n");
  for (int i = 0; i < 3; ++i) aggregator_.control(wire::ControlAction::shutdown);
  halting_->wait_logged("this machine does not shut down: there is no directory " + dir_ / "no-such-directory");
  expect_to_live_on();
  EXPECT_EQ(halting_->times_logged("this machine does not shut down"), 1U);
}

TEST_F(AgentHaltTest, GoesOnWithoutAWatchdogThatIsNone) {
  join_with("watchdog_device = \"/dev/null\"\n");
  EXPECT_EQ(halting_->times_logged("no watchdog /dev/null: it is not one"), 1U) << halting_->log();
  EXPECT_TRUE(halting_->stop().success());
}

}  // namespace
}  // namespace bramble::test
