// What the chaos does to a node when it takes its power: to its processes and to its disk.
#include "power_cut.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <thread>

#include "common/posix/files.hpp"
#include "common/posix/process.hpp"
#include "support/temp_dir.hpp"

namespace bramble::test::chaos {
namespace {

bool is_alive(const std::string& pid) {
  const std::string stat = posix::read_file("/proc/" + pid + "/stat", 4096).value_or("");
  return !stat.empty() && stat.find(") Z ") == std::string::npos;
}

std::string wait_for_text(const std::string& path) {
  while (true) {
    const std::string text = posix::read_file(path, 4096).value_or("");
    if (!text.empty() && text.back() == '\n') return text;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // a file tells nobody that it grew
  }
}

TEST(PowerCut, KillsAllThatDescendsFromADaemonAndNobodySaysALastWord) {
  const TempDir dir;
  const std::string grandchild = "sh -c 'trap \"echo told >>told\" TERM; echo $$ >pids; while :; do sleep 0.01; done'";
  auto parent = posix::Process::spawn({.argv = {"sh", "-c", "setsid " + grandchild + "; echo told >>told; sleep 60"},
                                       .env = {},
                                       .directory = dir.path()});
  ASSERT_TRUE(parent);
  std::istringstream pids(wait_for_text(dir / "pids"));
  std::string pid;
  pids >> pid;
  ASSERT_TRUE(is_alive(pid));
  kill_at_once({parent->pid()});
  EXPECT_FALSE(is_alive(pid));
  EXPECT_FALSE(std::filesystem::exists(dir / "told")) << "its parent saw it die";
  EXPECT_EQ(parent->wait(10'000)->signal, SIGKILL);
}

TEST(PowerCut, MayDamageWhatWasJustWrittenAndLeavesWhatWasSynced) {
  size_t damaged = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const TempDir dir;
    std::filesystem::create_directories(dir / "attempts/one");
    for (const char* name : {"synced", "attempts/one/exit.json", "attempts/one/stdout"}) {
      ASSERT_TRUE(posix::write_file_atomically(dir / name, "what was written"));
    }
    Random random(seed);
    forget_unsynced(dir.path(), {dir / "synced"}, random);
    EXPECT_EQ(posix::read_file(dir / "synced", 100).value_or(""), "what was written");
    for (const char* name : {"attempts/one/exit.json", "attempts/one/stdout"}) {
      damaged += posix::read_file(dir / name, 100).value_or("") != "what was written";
    }
  }
  EXPECT_GT(damaged, 5U);
  EXPECT_LT(damaged, 55U);
}

}  // namespace
}  // namespace bramble::test::chaos
