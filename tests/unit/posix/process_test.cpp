#include "common/posix/process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "common/posix/files.hpp"
#include "support/temp_dir.hpp"

namespace bramble::posix {
namespace {

class Processes : public testing::Test {
 protected:
  Process spawn(const std::string& script) {
    SpawnOptions options;
    options.argv = {"sh", "-c", script};
    options.stdout_fd = output_.get();
    options.die_with_parent = true;
    return spawn(options);
  }
  static Process spawn(const SpawnOptions& options) {
    auto process = Process::spawn(options);
    EXPECT_TRUE(process) << process.error().message;
    return std::move(process.value());
  }
  std::string output() const { return read_file(dir_ / "output", 1 << 20).value(); }

  test::TempDir dir_;
  UniqueFd output_{::open((dir_ / "output").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
};

TEST_F(Processes, TellExitCodeOrSignal) {
  EXPECT_EQ(spawn("exit 3").wait(), (ExitStatus{3, 0}));
  EXPECT_EQ(spawn("kill -TERM $$").wait(), (ExitStatus{0, SIGTERM}));
  EXPECT_EQ((ExitStatus{0, SIGTERM}).shell_code(), 143);
  EXPECT_EQ((ExitStatus{3, 0}).shell_code(), 3);
}

TEST_F(Processes, WaitGivesUpAfterItsTime) {
  Process process = spawn("exec sleep 1000");
  EXPECT_TRUE(process.running());
  EXPECT_EQ(process.wait(1), std::nullopt);
  EXPECT_EQ(process.kill_and_wait(), (ExitStatus{0, SIGKILL}));
  EXPECT_FALSE(process.running());
  EXPECT_EQ(process.wait(), (ExitStatus{0, SIGKILL}));
}

TEST_F(Processes, GetTheirEnvironmentDirectoryAndDescriptors) {
  SpawnOptions options;
  options.argv = {"/bin/sh", "-c", "echo $GREETING; pwd; cat; ls /proc/self/fd | wc -l"};
  options.env = {"GREETING=hello", "PATH=/usr/bin:/bin"};
  options.directory = "/usr";
  options.stdout_fd = output_.get();
  EXPECT_EQ(spawn(options).wait(), (ExitStatus{0, 0}));
  EXPECT_THAT(output(), testing::StartsWith("hello\n/usr\n"));
}

TEST_F(Processes, ACommandThatCannotRunIsAnErrorOfSpawn) {
  SpawnOptions options;
  options.argv = {"no-such-command-anywhere"};
  const auto missing = Process::spawn(options);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_THAT(missing.error().message, testing::HasSubstr("no-such-command-anywhere"));
  options.argv = {"/bin/true"};
  options.directory = "/no/such/directory";
  EXPECT_FALSE(Process::spawn(options));
  options.argv.clear();
  EXPECT_FALSE(Process::spawn(options));
}

TEST_F(Processes, AForkRunsItsBodyAndEndsWithWhatItReturns) {
  auto good = Process::fork_only([] { return 0; });
  auto bad = Process::fork_only([] { return 7; });
  ASSERT_TRUE(good && bad);
  EXPECT_EQ(good->wait(30'000), (ExitStatus{0, 0}));
  EXPECT_EQ(bad->wait(30'000), (ExitStatus{7, 0}));
}

TEST_F(Processes, TheLoopTellsOfTheEndOnce) {
  EventLoop loop;
  Process process = spawn("exit 4");
  std::vector<ExitStatus> ends;
  process.on_exit(loop, [&](ExitStatus status) {
    ends.push_back(status);
    loop.call_after(5, [&] { loop.stop(); });
  });
  loop.run();
  EXPECT_EQ(ends, (std::vector<ExitStatus>{{4, 0}}));
}

}  // namespace
}  // namespace bramble::posix
