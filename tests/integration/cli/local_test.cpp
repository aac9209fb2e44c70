// What `bramble local` refuses. Whole clusters are tests/integration/cluster.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "support/bramble_process.hpp"
#include "support/temp_dir.hpp"

namespace bramble::cli::testing {
namespace {

using test::BrambleProcess;
using test::run_bramble;
using ::testing::HasSubstr;

TEST(Local, TellsAWrongConfigurationOnceWithTheLineOfThePersonsFile) {
  const test::TempDir dir;
  const std::string path = dir / "more.toml";
  std::ofstream(path) << "keep_jobs = 5\n[power]\nhold_s = 2\nhalt_limit_s = \"soon\"\n";
  const auto ran = run_bramble("unix:/nonexistent", {"local", "--agents", "1", "--config", path, "--", "true"});
  EXPECT_EQ(ran.status, 255);
  EXPECT_TRUE(ran.err.starts_with("bramble: " + path + ":4: halt_limit_s must be")) << ran.err;
  EXPECT_EQ(ran.err.find('\n'), ran.err.size() - 1) << "one sentence, once: " << ran.err;
}

TEST(Local, RefusesAFolderInWhichAClusterRuns) {
  const test::TempDir dir;
  const std::string folder = dir / "cluster";
  BrambleProcess first("unix:/nonexistent", {"local", "--agents", "1", "--dir", folder});
  ASSERT_TRUE(first.wait_for_out("1 node is up")) << first.err();
  const auto second = run_bramble("unix:/nonexistent", {"local", "--agents", "1", "--dir", folder, "--", "true"});
  EXPECT_EQ(second.status, 255);
  EXPECT_EQ(second.err,
            "bramble: a cluster runs in " + folder + " already: end that one, or take another folder for --dir\n");
  first.signal(SIGTERM);
  EXPECT_EQ(first.wait(), 128 + SIGTERM);
}

}  // namespace
}  // namespace bramble::cli::testing
