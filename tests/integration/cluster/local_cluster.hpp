// A whole cluster of real daemons, as `bramble local` starts it, with a script inside.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "common/posix/files.hpp"
#include "common/posix/process.hpp"
#include "support/places.hpp"

namespace bramble::test {

struct ScriptResult {
  int status = -1;
  std::string out;
  std::string err;
};

class LocalCluster : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/bramble-cluster-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    dir = name;
  }

  void TearDown() override {
    if (HasFailure()) std::printf("logs: %s/cluster/logs\n", dir.c_str());
    if (!HasFailure()) (void)posix::remove_tree(dir);
  }

  // Runs the script with bash inside a new cluster of so many agents. DIR is this test's own folder, PIDS the file with
  // the pids of the cluster's parts.
  ScriptResult run(int agents, const std::string& script, const std::string& options = "") {
    const std::string path = dir + "/script.sh";
    EXPECT_TRUE(
        posix::write_file_atomically(path, "set -u\nDIR=" + dir + "\nPIDS=" + dir + "/cluster/pids.json\n" + script));
    const std::string command = std::string(kBinaryDir) + "/bin/bramble local --agents " + std::to_string(agents) +
                                " --dir " + dir + "/cluster " + options + " -- bash " + path + " >" + dir + "/out 2>" +
                                dir + "/err";
    auto process = posix::Process::spawn({.argv = {"sh", "-c", command}, .env = {}, .directory = {}});
    ScriptResult result;
    if (!process) {
      ADD_FAILURE() << process.error().message;
      return result;
    }
    const auto status = process->wait(270'000);
    if (!status) {
      ADD_FAILURE() << "the cluster did not end";
      process->kill_and_wait();
      return result;
    }
    result.status = status->shell_code();
    result.out = posix::read_file(dir + "/out", 64 << 20).value_or("");
    result.err = posix::read_file(dir + "/err", 64 << 20).value_or("");
    return result;
  }

  std::string dir;
};

}  // namespace bramble::test
