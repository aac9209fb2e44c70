#include "agent/warden/sandbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "support/temp_dir.hpp"

namespace bramble::warden {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

std::string line_for(const wire::TaskSpec& spec) {
  std::string line;
  for (const std::string& word : sandbox_argv("/usr/bin/bwrap", "/state", "/state/work", spec)) line += word + " ";
  return line;
}

TEST(SandboxArgv, TheCommandStandsBehindWhatBelongsToBubblewrap) {
  wire::TaskSpec spec;
  spec.argv = {"--version", "--"};  // a command may be called anything
  EXPECT_THAT(line_for(spec), testing::EndsWith(" --chdir /state/work -- --version -- "));
}

TEST(SandboxArgv, NetworkOnlyWhereItIsAskedFor) {
  wire::TaskSpec spec;
  spec.argv = {"true"};
  EXPECT_THAT(line_for(spec), HasSubstr(" --unshare-net "));
  spec.network = true;
  EXPECT_THAT(line_for(spec), Not(HasSubstr(" --unshare-net ")));
}

TEST(SandboxArgv, TmpIsBoundedByTheTasksMemory) {
  wire::TaskSpec spec;
  spec.argv = {"true"};
  EXPECT_THAT(line_for(spec), HasSubstr(" --size 268435456 --tmpfs /tmp "));
  spec.memory_bytes = 1 << 20;
  EXPECT_THAT(line_for(spec), HasSubstr(" --size 1048576 --tmpfs /tmp "));
}

TEST(EndInside, ASignalIsToldAsOne) {
  EXPECT_EQ(end_inside({143, 0}), (posix::ExitStatus{0, 15}));
  EXPECT_EQ(end_inside({128, 0}), (posix::ExitStatus{128, 0}));
  EXPECT_EQ(end_inside({160, 0}), (posix::ExitStatus{160, 0}));
  EXPECT_EQ(end_inside({7, 0}), (posix::ExitStatus{7, 0}));
  EXPECT_EQ(end_inside({0, 9}), (posix::ExitStatus{0, 9}));
}

TEST(MissingCommand, IsToldAsWithoutASandbox) {
  test::TempDir dir;
  const std::vector<std::string> env{"PATH=/usr/bin:/bin:" + dir.path()};
  EXPECT_FALSE(missing_command({"sh"}, env, dir.path()));
  EXPECT_FALSE(missing_command({"/bin/sh"}, env, dir.path()));
  EXPECT_EQ(missing_command({"no-such-command"}, env, dir.path())->code, 127);
  EXPECT_EQ(missing_command({"./sh"}, env, dir.path())->code, 127);
  std::ofstream(dir / "plain") << "text";
  ::chmod((dir / "plain").c_str(), 0644);
  EXPECT_EQ(missing_command({"plain"}, env, dir.path())->code, 126);
}

TEST(TrySandbox, SaysWhatToDoWithoutBubblewrap) {
  test::TempDir dir;
  const RunAs user{"nobody", 65534, 65534, {65534}};
  EXPECT_EQ(try_sandbox(dir / "no-bwrap", dir.path(), &user).why_not, "bubblewrap is not installed");
}

TEST(TrySandbox, SaysWhatBubblewrapSaid) {
  test::TempDir dir;
  ::chmod(dir.path().c_str(), 0711);
  std::ofstream(dir / "bwrap") << "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n";
  ::chmod((dir / "bwrap").c_str(), 0755);
  const RunAs user{"nobody", 65534, 65534, {65534}};
  const Sandbox sandbox = try_sandbox(dir / "bwrap", dir.path(), ::geteuid() == 0 ? &user : nullptr);
  EXPECT_EQ(sandbox.why_not, "bwrap: No permissions to create new namespace");
}

}  // namespace
}  // namespace bramble::warden
