// Ending tasks: TERM, KILL, limits, and all that came of a task.
#include <csignal>

#include "fixture.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;
using wire::Outcome;

class WardenLimits : public WardenTest {};

TEST_F(WardenLimits, ACancelledTaskGetsTermAndMayEndInGoodOrder) {
  const auto start =
      shell_start(warden_task(1), "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done");
  client_.send(start);
  client_.expect<wire::WardenOutput>(start.task);
  client_.send(wire::WardenKill{start.task, Outcome::cancelled});
  const auto exited = client_.expect<wire::WardenExited>(start.task);
  EXPECT_EQ(exited.result.outcome, Outcome::cancelled);
  EXPECT_EQ(exited.result.code, 7);
  EXPECT_EQ(warden_.stdout_of(start.task), "ready\nbye\n");
}

TEST_F(WardenLimits, ATaskThatIgnoresTermGetsKillAfterItsGrace) {
  auto start = shell_start(warden_task(1), "trap '' TERM; echo ready; while :; do sleep 1000; done");
  start.spec.kill_grace_ms = 50;
  client_.send(start);
  client_.expect<wire::WardenOutput>(start.task);
  client_.send(wire::WardenKill{start.task, Outcome::cancelled});
  const auto exited = client_.expect<wire::WardenExited>(start.task);
  EXPECT_EQ(exited.result.outcome, Outcome::cancelled);
  EXPECT_EQ(exited.result.signal, SIGKILL);
  EXPECT_GE(exited.result.duration_ms, 50);
}

TEST_F(WardenLimits, TheFirstReasonToEndCounts) {
  const auto start = command_start(warden_task(1), {"sleep", "1000"});
  client_.send(start);
  client_.send(wire::WardenKill{start.task, Outcome::lease_ended});
  client_.send(wire::WardenKill{start.task, Outcome::cancelled});
  EXPECT_EQ(client_.expect<wire::WardenExited>(start.task).result.outcome, Outcome::lease_ended);
}

TEST_F(WardenLimits, WhatTheMainProcessLeavesBehindIsKilledBeforeTheEndIsTold) {
  const auto start = shell_start(warden_task(1), with_daemon("exit 3"));
  const auto exited = client_.run(start);
  EXPECT_EQ(exited.result.outcome, Outcome::exited);
  EXPECT_EQ(exited.result.code, 3);
  EXPECT_FALSE(is_alive(pid_in(warden_.stdout_of(start.task))));
}

TEST_F(WardenLimits, KillReachesProcessesThatLeftTheSession) {
  auto start = shell_start(warden_task(1), with_daemon("trap '' TERM; echo >&2; while :; do sleep 1000; done"));
  start.spec.kill_grace_ms = 20;
  client_.send(start);
  while (client_.expect<wire::WardenOutput>(start.task).stderr_bytes == 0) {
  }
  const pid_t daemon = pid_in(warden_.stdout_of(start.task));
  EXPECT_TRUE(is_alive(daemon));
  client_.send(wire::WardenKill{start.task, Outcome::cancelled});
  client_.expect<wire::WardenExited>(start.task);
  EXPECT_FALSE(is_alive(daemon));
}

TEST_F(WardenLimits, ATaskThatForksOnAndOnIsKilled) {
  const auto start = shell_start(
      warden_task(1),
      "f() { (sleep 0.002; f) & (exec sleep 1000) & }; f; while [ $(ls /proc | wc -l) -lt 1 ]; do :; done; echo up");
  EXPECT_EQ(client_.run(start).result.code, 0);
  EXPECT_EQ(client_.run(command_start(warden_task(2), {"true"})).result.code, 0);
}

TEST_F(WardenLimits, TimeLimitEndsTheTask) {
  auto start = command_start(warden_task(1), {"sleep", "1000"});
  start.spec.time_limit_ms = 100;
  const auto exited = client_.run(start);
  EXPECT_EQ(exited.result.outcome, Outcome::timed_out);
  EXPECT_EQ(exited.result.signal, SIGTERM);
  EXPECT_EQ(exited.result.text, "ended at its time limit of 100 ms");
  EXPECT_GE(exited.result.duration_ms, 100);
}

TEST_F(WardenLimits, MemoryOfAllItsProcessesTogetherIsLimited) {
  auto start = shell_start(warden_task(1),
                           "head -c 40000000 /dev/zero | tail -n 1 | (sleep 1000; cat) & "
                           "head -c 40000000 /dev/zero | tail -n 1 | (sleep 1000; cat) & wait");
  start.spec.memory_bytes = 60 << 20;
  const auto exited = client_.run(start);
  EXPECT_EQ(exited.result.outcome, Outcome::memory);
  EXPECT_THAT(exited.result.text, HasSubstr("memory limit of 60 MiB"));
}

TEST_F(WardenLimits, ATaskWithinItsMemoryLimitIsLeftAlone) {
  auto start = command_start(warden_task(1), {"sleep", "0.6"});  // longer than two looks at its memory
  start.spec.memory_bytes = 60 << 20;
  EXPECT_EQ(client_.run(start).result.outcome, Outcome::exited);
}

}  // namespace
}  // namespace bramble::test
