// Tasks in the kernel's control groups. Needs root and a cgroup2 mount; which controllers there are is the machine's
// matter: what needs one is shown by the rig's virtual machines.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <sstream>

#include "common/posix/files.hpp"
#include "fixture.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using wire::Enforcement;
using wire::Outcome;

std::string mounted_cgroup2() {
  for (const char* point : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    if (::access((std::string(point) + "/cgroup.controllers").c_str(), F_OK) == 0) return point;
  }
  return {};
}

// A warden in a group of its own, as systemd would start it.
class WardenCgroups : public testing::Test {
 protected:
  void SetUp() override {
    const std::string mount = mounted_cgroup2();
    if (::geteuid() != 0 || mount.empty()) GTEST_SKIP() << "needs root and control groups of version 2 (cgroup2)";
    group_ = mount + "/bramble-test-" + std::to_string(::getpid());
    if (::mkdir(group_.c_str(), 0755) != 0) {
      group_.clear();
      GTEST_SKIP() << "control groups cannot be made here";
    }
    start_warden({});
  }

  void start_warden(std::vector<std::string> options) {
    // Processes and controllers for groups below go not together: what an earlier warden enabled is disabled first.
    const std::string join = "for each in " + group_ + "/tasks " + group_ +
                             "; do for what in memory cpu pids; do echo -$what > $each/cgroup.subtree_control; done; "
                             "done 2>/dev/null; echo $$ > " +
                             group_ + "/cgroup.procs && exec \"$@\"";
    warden_.reset();
    warden_.emplace(dir_ / "state", 2, std::move(options), std::vector<std::string>{"sh", "-c", join, "sh"});
    client_.emplace(warden_->connect());
  }

  void TearDown() override {
    warden_.reset();
    if (group_.empty()) return;
    end_all_in("warden");
    for (const char* name : {"/tasks/task-0", "/tasks/task-1", "/tasks", "/warden", ""}) {
      const std::string group = group_ + name;
      while (::rmdir(group.c_str()) != 0 && errno == EBUSY) ::usleep(1000);  // until its last zombie is gone
    }
  }

  // What no warden owns.
  void end_all_in(const std::string& group) {
    std::istringstream pids(procs_of(group));
    for (pid_t pid = 0; pids >> pid;) ::kill(pid, SIGKILL);
  }

  std::string procs_of(const std::string& group) {
    return posix::read_file(group_ + "/" + group + "/cgroup.procs", 4096).value_or("absent");
  }

  TempDir dir_;
  std::string group_;
  std::optional<WardenProcess> warden_;
  std::optional<WardenClient> client_;
};

TEST_F(WardenCgroups, WardenAndTasksAreInDifferentGroups) {
  const auto start = shell_start(warden_task(1), "echo $$; exec sleep 1000");
  client_->send(start);
  client_->expect<wire::WardenOutput>(start.task);
  EXPECT_THAT(procs_of("warden"), HasSubstr(std::to_string(warden_->pid()) + "\n"));
  EXPECT_EQ(procs_of("tasks/task-0"), warden_->stdout_of(start.task));
  EXPECT_EQ(procs_of("tasks/task-1"), "");
}

TEST_F(WardenCgroups, WhatIsSaidOfTheLimitsIsWhatTheKernelOffers) {
  const std::string enabled = posix::read_file(group_ + "/cgroup.subtree_control", 4096).value();
  const auto by = [&](const char* controller, Enforcement otherwise) {
    return enabled.find(controller) != std::string::npos ? Enforcement::kernel : otherwise;
  };
  const wire::Containment said = client_->hello().containment;
  EXPECT_EQ(said.memory, by("memory", Enforcement::polled));
  EXPECT_EQ(said.cpus, by("cpu", Enforcement::none));
  EXPECT_EQ(said.processes, by("pids", Enforcement::none));
  EXPECT_THAT(warden_->log(), HasSubstr("limits of tasks: " + limits_text(said)));
}

TEST_F(WardenCgroups, WhatATaskLeavesBehindIsGoneFromItsGroupBeforeTheNext) {
  const auto start = shell_start(warden_task(1), with_daemon("exit 3"));
  EXPECT_EQ(client_->run(start).result.code, 3);
  EXPECT_EQ(procs_of("tasks/task-0"), "");
  // In the same group, where something was killed.
  EXPECT_EQ(client_->run(command_start(warden_task(2), {"true"})).result.outcome, Outcome::exited);
}

TEST_F(WardenCgroups, ACommandThatIsNotThereIsToldAsEver) {
  const auto exited = client_->run(command_start(warden_task(1), {"no-such-command"}));
  EXPECT_EQ(exited.result.outcome, Outcome::start_failed);
  EXPECT_EQ(exited.result.code, 127);
}

TEST_F(WardenCgroups, MemoryIsLimitedByWhoeverCan) {
  auto start = shell_start(warden_task(1), "head -c 200000000 /dev/zero | tail -n 1 | (sleep 1000; cat)");
  start.spec.memory_bytes = 60 << 20;
  const auto exited = client_->run(start);
  EXPECT_EQ(exited.result.outcome, Outcome::memory);
  EXPECT_THAT(exited.result.text, HasSubstr("60 MiB"));
}

TEST_F(WardenCgroups, ARegularEndRemovesTheTasksGroups) {
  client_->send(command_start(warden_task(1), {"sleep", "1000"}));
  client_->expect<wire::WardenStarted>();
  EXPECT_TRUE(warden_->stop().success());
  EXPECT_EQ(procs_of("tasks/task-0"), "absent");
}

TEST_F(WardenCgroups, TheNextWardenUsesTheGroupsOfOneThatWasKilled) {
  client_->send(command_start(warden_task(1), {"sleep", "1000"}));
  client_->expect<wire::WardenStarted>();
  warden_->kill();
  warden_->start();
  WardenClient again = warden_->connect();
  EXPECT_EQ(again.hello().exited.at(0).result.outcome, Outcome::warden_lost);
  EXPECT_EQ(again.run(command_start(warden_task(2), {"true"})).result.outcome, Outcome::exited);
}

// As bubblewrap does on a slow machine: its first process inside ends after it.
TEST_F(WardenCgroups, WhatOutlivesTheTrialOfASandboxDoesNotTakeTheLimitsAway) {
  const std::string bwrap = dir_ / "bwrap";
  ASSERT_TRUE(posix::write_file_atomically(bwrap, "#!/bin/sh\nsleep 1000 >/dev/null 2>&1 &\n", {.mode = 0755}));
  ::chmod(dir_.path().c_str(), 0711);
  ::chmod(bwrap.c_str(), 0755);
  start_warden({"--user", "nobody", "--agent", "root", "--bwrap", bwrap});
  EXPECT_THAT(warden_->log(), HasSubstr("sandbox: works"));
  EXPECT_THAT(warden_->log(), Not(HasSubstr("no control group of its own")));
  const auto start = shell_start(warden_task(1), "echo $$; exec sleep 1000");
  client_->send(start);
  client_->expect<wire::WardenOutput>(start.task);
  EXPECT_EQ(procs_of("tasks/task-0"), warden_->stdout_of(start.task));
}

class WardenAmongOthers : public WardenTest {};

TEST_F(WardenAmongOthers, AWardenWithoutAGroupOfItsOwnSaysWhy) {
  EXPECT_EQ(limits_text(client_.hello().containment), "memory polled, cpus not, processes not");
  EXPECT_THAT(warden_.log(), HasSubstr("no control group of its own"));
}

}  // namespace
}  // namespace bramble::test
