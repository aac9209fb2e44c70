#include "agent/warden/spawn.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace bramble::warden {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(CandidatePaths, FollowThePathOfTheTask) {
  EXPECT_THAT(candidate_paths("ls", {"A=b", "PATH=/x:/y", "PATHS=/z"}), ElementsAre("/x/ls", "/y/ls"));
  EXPECT_THAT(candidate_paths("./ls", {"PATH=/x"}), ElementsAre("./ls"));
  EXPECT_THAT(candidate_paths("ls", {"PATH=:/x::"}), ElementsAre("/x/ls"));
  EXPECT_TRUE(candidate_paths("ls", {}).empty());
}

TEST(TaskEnvironment, AddsOnlyWhatIsAbsent) {
  EXPECT_THAT(task_environment({}, "/w"),
              ElementsAre("HOME=/w", "TMPDIR=/w", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                          "PWD=/w"));
  EXPECT_THAT(task_environment({{"PATH", "/p"}, {"HOME", "/h"}, {"PWD", "/wrong"}, {"X", "a=b"}}, "/w"),
              ElementsAre("PATH=/p", "HOME=/h", "X=a=b", "TMPDIR=/w", "PWD=/w"));
}

TEST(TaskEnvironment, FindsBramblesOwnProgramsAfterAllOthers) {
  EXPECT_THAT(task_environment({{"PATH", "/p"}}, "/w", "/k"),
              ElementsAre("PATH=/p:/k", "HOME=/w", "TMPDIR=/w", "PWD=/w"));
}

TEST(SpawnFailures, AreToldInWords) {
  const auto text = [](int step, int error, const std::string& command) {
    return describe({step, error}, {command}, {"PATH=/usr/bin:/bin", "PWD=/"});
  };
  EXPECT_EQ(text(SpawnFailure::exec, ENOENT, "nothing-here").code, 127);
  EXPECT_EQ(text(SpawnFailure::exec, ENOENT, "nothing-here").text, "command not found on this node: nothing-here");
  EXPECT_THAT(text(SpawnFailure::exec, ENOENT, "sh").text, HasSubstr("the interpreter that it names does not exist"));
  EXPECT_THAT(text(SpawnFailure::exec, ENOENT, "./bin/sh").text, HasSubstr("the interpreter that it names"));
  EXPECT_EQ(text(SpawnFailure::exec, ENOENT, "./bin/none").text, "command not found on this node: ./bin/none");
  EXPECT_EQ(text(SpawnFailure::exec, EACCES, "sh").code, 126);
  EXPECT_THAT(text(SpawnFailure::exec, ENOEXEC, "sh").text, HasSubstr("#!/bin/sh"));
  EXPECT_THAT(text(SpawnFailure::exec, ENOMEM, "sh").text, HasSubstr("cannot run sh: cannot allocate memory"));
  EXPECT_THAT(text(SpawnFailure::directory, EACCES, "sh").text, HasSubstr("working directory: permission denied"));
  EXPECT_THAT(text(SpawnFailure::user, EPERM, "sh").text, HasSubstr("tasks' user"));
}

}  // namespace
}  // namespace bramble::warden
