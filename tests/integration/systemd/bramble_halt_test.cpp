// systemd/bramble-halt with a systemctl of the test's own.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "run_program.hpp"
#include "support/places.hpp"
#include "support/temp_dir.hpp"

namespace bramble::test {
namespace {

class BrambleHaltTest : public ::testing::Test {
 protected:
  BrambleHaltTest() {
    const std::string script = "#!/bin/sh\necho \"$@\" >>" + called_ + "\n" +  //
                               "[ -e " + request_ + " ] && echo too early >>" + called_ + "\nexit 0\n";
    std::filesystem::create_directories(dir_ / "bin");
    EXPECT_TRUE(posix::write_file_atomically(dir_ / "bin/systemctl", script, {.mode = 0755}));
  }

  Ended run() const {
    return run_program({std::string(kSourceDir) + "/systemd/bramble-halt", request_}, dir_ / "bin" + ":/usr/bin:/bin",
                       dir_ / "log");
  }
  Ended run_with(const std::string& content) const {
    EXPECT_TRUE(posix::write_file_atomically(request_, content));
    return run();
  }
  std::string called() const { return posix::read_file(called_, 1000).value_or("nothing"); }
  void expect_dropped(const Ended& ended) const {
    EXPECT_EQ(ended.status.code, 1);
    EXPECT_NE(ended.said.find("it must be a file with the one word poweroff or reboot"), std::string::npos)
        << ended.said;
    EXPECT_EQ(called(), "nothing");
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(request_)));
  }

  TempDir dir_;
  const std::string request_ = dir_ / "request";
  const std::string called_ = dir_ / "called";
};

TEST_F(BrambleHaltTest, TakesTheRequestBeforeTheMachineGoesDown) {
  EXPECT_TRUE(run_with("poweroff\n").status.success());
  EXPECT_EQ(called(), "--no-block poweroff\n");
  EXPECT_FALSE(std::filesystem::exists(request_));
}

TEST_F(BrambleHaltTest, Reboots) {
  EXPECT_TRUE(run_with("reboot\n").status.success());
  EXPECT_EQ(called(), "--no-block reboot\n");
}

TEST_F(BrambleHaltTest, DropsEverythingElse) {
  for (const std::string word : {"", "halt", "poweroff --force", "poweroff\nreboot\n", "$(reboot)"}) {
    SCOPED_TRACE(word);
    expect_dropped(run_with(word));
  }
  expect_dropped(run_with(std::string(1 << 20, 'x')));
}

TEST_F(BrambleHaltTest, FollowsNoLink) {
  ASSERT_TRUE(posix::write_file_atomically(dir_ / "target", "poweroff\n"));
  std::filesystem::create_symlink(dir_ / "target", request_);
  expect_dropped(run());
  EXPECT_TRUE(std::filesystem::exists(dir_ / "target"));
}

TEST_F(BrambleHaltTest, DoesNotWaitAtAPipe) {
  ASSERT_EQ(::mkfifo(request_.c_str(), 0600), 0);
  expect_dropped(run());
}

TEST_F(BrambleHaltTest, DoesNothingWithoutARequest) { expect_dropped(run()); }

}  // namespace
}  // namespace bramble::test
