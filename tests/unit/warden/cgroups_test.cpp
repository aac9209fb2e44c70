// Control groups, on a tree of plain files that stands for the kernel's.
#include "agent/warden/cgroups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/posix/files.hpp"
#include "support/temp_dir.hpp"

namespace bramble::warden {
namespace {

using testing::HasSubstr;
using wire::Enforcement;

class CgroupTree : public testing::Test {
 protected:
  CgroupTree() {
    put("proc/self/cgroup", "1:name=systemd:/x\n0::/system.slice/warden.service\n");
    put("proc/self/mountinfo",
        "22 1 0:20 / /proc rw - proc proc rw\n"
        "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n");
    put(kOwn + "/cgroup.procs", std::to_string(::getpid()) + "\n");
    put(kOwn + "/cgroup.controllers", "cpuset cpu io memory pids\n");
    put(kOwn + "/cgroup.subtree_control", "");
    put(kOwn + "/warden/cgroup.procs", "");
    put(kOwn + "/tasks/cgroup.controllers", "cpu memory pids\n");
    put(kOwn + "/tasks/cgroup.subtree_control", "");
    put(kOwn + "/tasks/memory.max", "");
    put("proc/meminfo", "MemTotal:        4194304 kB\nMemFree:          100000 kB\n");
    for (const char* file :
         {"cgroup.procs", "cgroup.kill", "memory.max", "memory.swap.max", "memory.oom.group", "cpu.max", "pids.max"}) {
      put(kOwn + "/tasks/task-0/" + file, "");
    }
    tell_events(0, 0, 0);
  }

  void put(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(tree_ / path).parent_path());
    std::ofstream(tree_ / path) << text;
  }
  std::string text(const std::string& path) { return posix::read_file(tree_ / path, 4096).value_or("absent"); }
  std::string task(const std::string& file) { return text(kOwn + "/tasks/task-0/" + file); }
  void tell_events(int oom, int oom_kill, int max) {
    put(kOwn + "/tasks/task-0/memory.events", "low 0\nhigh 0\nmax 9\noom " + std::to_string(oom) + "\noom_kill " +
                                                  std::to_string(oom_kill) + "\noom_group_kill 0\n");
    put(kOwn + "/tasks/task-0/pids.events", "max " + std::to_string(max) + "\n");
  }
  Cgroups take_over() { return Cgroups::take_over(1, tree_.path()); }
  TaskCgroup open_task() {
    const Cgroups groups = take_over();
    return TaskCgroup::open(groups.task_directory(0), groups.controllers()).value();
  }

  const std::string kOwn = "sys/fs/cgroup/system.slice/warden.service";
  test::TempDir tree_;
};

TEST_F(CgroupTree, TheWardenMovesBelowItsOwnGroupAndEnablesWhatThereIs) {
  const Cgroups groups = take_over();
  ASSERT_TRUE(groups.usable()) << groups.why_not();
  EXPECT_EQ(text(kOwn + "/warden/cgroup.procs"), std::to_string(::getpid()));
  EXPECT_THAT(text(kOwn + "/cgroup.subtree_control"), HasSubstr("+pids")) << "the last of three writes";
  EXPECT_THAT(text(kOwn + "/tasks/cgroup.subtree_control"), HasSubstr("+pids"));
  EXPECT_EQ(groups.containment().cpus, Enforcement::kernel);
  EXPECT_EQ(limits_text(groups.containment()), "memory by the kernel, cpus by the kernel, processes by the kernel");
}

TEST_F(CgroupTree, WithoutTheMemoryControllerMemoryIsPolled) {
  put(kOwn + "/cgroup.controllers", "cpuset cpu io pids\n");  // as on many a Raspberry Pi
  const Cgroups groups = take_over();
  ASSERT_TRUE(groups.usable());
  EXPECT_EQ(limits_text(groups.containment()), "memory polled, cpus by the kernel, processes by the kernel");
}

TEST_F(CgroupTree, AllTasksTogetherLeaveMemoryToTheSystem) {
  const auto limit_with = [&](uint64_t mib) {
    put(kOwn + "/tasks/memory.max", "");
    put("proc/meminfo", "MemTotal:        " + std::to_string(mib * 1024) + " kB\n");
    EXPECT_TRUE(take_over().usable());
    const std::string limit = text(kOwn + "/tasks/memory.max");
    return limit.empty() ? 0 : std::stoull(limit) >> 20;
  };
  EXPECT_EQ(limit_with(512), 512u - 96);
  EXPECT_EQ(limit_with(1024), 1024u - 128);
  EXPECT_EQ(limit_with(8192), 8192u - 512);
  EXPECT_EQ(limit_with(128), 0u) << "too small a machine to share";
}

TEST_F(CgroupTree, ProcessesOfAllSlotsTogetherAreHalfOfWhatTheKernelCanHave) {
  const auto of_each = [&](const std::string& threads_max, uint32_t slots) {
    put("proc/sys/kernel/threads-max", threads_max);
    for (uint32_t slot = 1; slot < slots; ++slot)
      put(kOwn + "/tasks/task-" + std::to_string(slot) + "/cgroup.procs", "");
    return Cgroups::take_over(slots, tree_.path()).controllers().max_processes;
  };
  EXPECT_EQ(of_each("3400\n", 4), 425u) << "512 MiB";
  EXPECT_EQ(of_each("63000\n", 4), kMaxTaskProcesses) << "8 GiB";
  EXPECT_EQ(of_each("300\n", 4), kMinTaskProcesses);
  EXPECT_EQ(of_each("", 1), kMaxTaskProcesses) << "nobody says it";
}

TEST_F(CgroupTree, ATaskHasAtMostItsSlotsShareOfProcesses) {
  put("proc/sys/kernel/threads-max", "3400\n");
  TaskCgroup group = open_task();
  ASSERT_TRUE(group.prepare({}));
  EXPECT_EQ(task("pids.max"), "1700");
}

TEST_F(CgroupTree, AGroupThatOthersAreInIsLeftAlone) {
  put(kOwn + "/cgroup.procs", "1\n" + std::to_string(::getpid()) + "\n");
  const Cgroups groups = take_over();
  EXPECT_FALSE(groups.usable());
  EXPECT_THAT(groups.why_not(), HasSubstr("Delegate=yes"));
  EXPECT_EQ(text(kOwn + "/warden/cgroup.procs"), "");
  EXPECT_EQ(limits_text(groups.containment()), "memory polled, cpus not, processes not");
}

TEST_F(CgroupTree, VersionOneAloneIsSaidSo) {
  put("proc/self/cgroup", "4:memory:/\n1:name=systemd:/\n");
  EXPECT_EQ(take_over().why_not(), "this kernel has no control groups of version 2");
  put("proc/self/cgroup", "0::/\n");
  put("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n");
  EXPECT_EQ(take_over().why_not(), "no control groups of version 2 are mounted");
}

TEST_F(CgroupTree, AMountOfPartOfTheTreeIsUnderstood) {
  put("proc/self/mountinfo", "30 23 0:26 /system.slice /sys/fs/cgroup/system.slice rw - cgroup2 cgroup2 rw\n");
  EXPECT_TRUE(take_over().usable());
}

TEST_F(CgroupTree, ATaskGetsTheLimitsThatItAskedFor) {
  TaskCgroup group = open_task();
  wire::TaskSpec spec;
  spec.cpus = 2;
  spec.memory_bytes = 256 << 20;
  ASSERT_TRUE(group.prepare(spec));
  EXPECT_EQ(task("memory.max"), "268435456");
  EXPECT_EQ(task("memory.swap.max"), "0");
  EXPECT_EQ(task("memory.oom.group"), "1");
  EXPECT_EQ(task("cpu.max"), "200000 100000");
  EXPECT_EQ(task("pids.max"), "4096");
}

TEST_F(CgroupTree, TheNextTaskHasItsOwnLimits) {
  TaskCgroup group = open_task();
  wire::TaskSpec spec;
  spec.memory_bytes = 1 << 20;
  ASSERT_TRUE(group.prepare(spec));
  put(kOwn + "/tasks/task-0/memory.max", "");  // a plain file would keep the end of the longer text
  put(kOwn + "/tasks/task-0/memory.swap.max", "");
  spec.memory_bytes = 0;
  ASSERT_TRUE(group.prepare(spec));
  EXPECT_EQ(task("memory.max"), "max");
  EXPECT_EQ(task("memory.swap.max"), "max");
}

TEST_F(CgroupTree, ALimitThatCannotBeSetIsAnError) {
  TaskCgroup group = open_task();
  std::filesystem::remove(tree_ / (kOwn + "/tasks/task-0/memory.max"));
  const Status prepared = group.prepare({});
  ASSERT_FALSE(prepared);
  EXPECT_THAT(prepared.error().message, HasSubstr("cannot set the task's limits"));
}

TEST_F(CgroupTree, AnEndByTheTasksOwnLimitAndOneByAFullNodeDiffer) {
  TaskCgroup group = open_task();
  tell_events(3, 3, 0);  // of a task before
  ASSERT_TRUE(group.prepare({}));
  EXPECT_FALSE(group.interventions().over_memory);
  tell_events(3, 4, 0);
  EXPECT_TRUE(group.interventions().node_out_of_memory);
  EXPECT_FALSE(group.interventions().over_memory);
  tell_events(4, 4, 0);
  EXPECT_TRUE(group.interventions().over_memory);
  EXPECT_FALSE(group.interventions().reached_max_processes);
  tell_events(4, 4, 1);
  EXPECT_TRUE(group.interventions().reached_max_processes);
}

TEST_F(CgroupTree, KillIsAskedOfTheKernel) {
  open_task().kill();
  EXPECT_EQ(task("cgroup.kill"), "1");
}

}  // namespace
}  // namespace bramble::warden
