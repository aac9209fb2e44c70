#include "agent/runner/machine_halt.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "common/posix/files.hpp"
#include "support/temp_dir.hpp"

namespace bramble::runner {
namespace {

using wire::ControlAction;

constexpr int64_t kLimitMs = 30'000;

struct MachineHaltTest : ::testing::Test {
  test::TempDir dir;
  posix::EventLoop loop;
  std::vector<std::string> failures;

  MachineHalt halt(HaltOptions options) {
    return MachineHalt(loop, std::move(options), [this](std::string why) {
      failures.push_back(std::move(why));
      loop.stop();
    });
  }
  HaltOptions by_file(int64_t taken_within_ms = kLimitMs) const { return {dir / "request", "", taken_within_ms}; }
  HaltOptions by_command(const std::string& script) const {
    const std::string path = dir / "command";
    EXPECT_TRUE(posix::write_file_atomically(path, "#!/bin/sh\n" + script + "\n", {.mode = 0755}));
    return {"", path, kLimitMs};
  }
  void wait_failures(size_t count) {
    bool late = false;
    const auto limit = loop.call_after(kLimitMs, [&] {
      late = true;
      loop.stop();
    });
    while (failures.size() < count && !late) loop.run();
    loop.cancel(limit);
  }
  std::string request() const { return posix::read_file(dir / "request", 100).value_or("none"); }
};

TEST_F(MachineHaltTest, LeavesOneWordInTheFile) {
  MachineHalt by = halt(by_file());
  by.ask(ControlAction::shutdown);
  EXPECT_EQ(request(), "poweroff\n");
  by.ask(ControlAction::reboot);
  EXPECT_EQ(request(), "reboot\n");
  EXPECT_TRUE(failures.empty());
}

TEST_F(MachineHaltTest, WithdrawsARequestThatNobodyTakesAndSaysWhatToDo) {
  MachineHalt by = halt(by_file(10));
  by.ask(ControlAction::shutdown);
  wait_failures(1);
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_NE(failures[0].find("systemctl enable --now bramble-halt.path"), std::string::npos) << failures[0];
  EXPECT_EQ(request(), "none");
}

TEST_F(MachineHaltTest, IsContentWithARequestThatWasTaken) {
  MachineHalt by = halt(by_file(10));
  by.ask(ControlAction::shutdown);
  std::filesystem::remove(dir / "request");
  loop.call_after(10, [this] { loop.stop(); });  // set later, called after the look
  loop.run();
  EXPECT_TRUE(failures.empty());
}

TEST_F(MachineHaltTest, RemovesWhatAnEarlierRunLeft) {
  ASSERT_TRUE(posix::write_file_atomically(dir / "request", "poweroff\n"));
  halt(by_file()).start();
  EXPECT_EQ(request(), "none");
}

TEST_F(MachineHaltTest, WithdrawsItsRequestWhenItEndsBeforeAnybodyTookIt) {
  halt(by_file()).ask(ControlAction::shutdown);
  EXPECT_EQ(request(), "none");
}

TEST_F(MachineHaltTest, SaysThatThereIsNoDirectoryForTheRequest) {
  halt({dir / "none/request", "", kLimitMs}).ask(ControlAction::shutdown);
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_NE(failures[0].find("there is no directory " + dir / "none"), std::string::npos) << failures[0];
}

TEST_F(MachineHaltTest, SaysThatNothingIsConfigured) {
  halt({"", "", kLimitMs}).ask(ControlAction::shutdown);
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_NE(failures[0].find("halt_request is empty"), std::string::npos) << failures[0];
}

TEST_F(MachineHaltTest, RunsTheCommandInsteadOfWritingTheFile) {
  HaltOptions options = by_command("echo \"$@\" >" + dir / "said" + "; exit 3");
  options.request_file = dir / "request";
  MachineHalt by = halt(options);
  by.ask(ControlAction::reboot);
  wait_failures(1);
  EXPECT_EQ(posix::read_file(dir / "said", 100), "reboot\n");
  EXPECT_EQ(request(), "none");
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_NE(failures[0].find("ended with status 3"), std::string::npos) << failures[0];
  by.ask(ControlAction::shutdown);  // again, once the first has ended
  wait_failures(2);
  EXPECT_EQ(posix::read_file(dir / "said", 100), "poweroff\n");
}

TEST_F(MachineHaltTest, RunsOneCommandAtATime) {
  ASSERT_EQ(::mkfifo((dir / "gate").c_str(), 0600), 0);
  MachineHalt by = halt(by_command("read line <" + dir / "gate" + "; kill -USR1 $$"));
  by.ask(ControlAction::shutdown);
  by.ask(ControlAction::shutdown);
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_NE(failures[0].find("still runs"), std::string::npos) << failures[0];
  std::FILE* const gate = std::fopen((dir / "gate").c_str(), "w");
  ASSERT_NE(gate, nullptr);
  std::fclose(gate);
  wait_failures(2);
  ASSERT_EQ(failures.size(), 2U);
  EXPECT_NE(failures[1].find("was ended by signal 10"), std::string::npos) << failures[1];
}

TEST_F(MachineHaltTest, SaysThatTheCommandCannotBeStarted) {
  halt({"", dir / "missing", kLimitMs}).ask(ControlAction::shutdown);
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_NE(failures[0].find("halt_command: cannot start " + dir / "missing"), std::string::npos) << failures[0];
}

}  // namespace
}  // namespace bramble::runner
