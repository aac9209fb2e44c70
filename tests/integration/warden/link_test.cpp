// The agent's connection: requests refused, connections lost, bytes that make no sense.
#include <sched.h>

#include <csignal>

#include "common/posix/files.hpp"
#include "fixture.hpp"
#include "support/daemon.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;
using wire::Outcome;

class WardenLink : public WardenTest {};

TEST_F(WardenLink, HelloTellsWhatItIs) {
  const auto state = client_.hello();
  EXPECT_EQ(state.pid, warden_.pid());
  EXPECT_EQ(state.slots, 2U);
  EXPECT_EQ(state.directory, dir_ / "state/attempts");
  EXPECT_EQ(state.note, "tasks run as the warden's own user");
  EXPECT_TRUE(state.running.empty());
  EXPECT_TRUE(state.exited.empty());
}

TEST_F(WardenLink, AnAgentThatComesBackFindsWhatRunsAndWhatHasEnded) {
  client_.send(shell_start(warden_task(1), "echo out; exec sleep 1000"));
  client_.run(shell_start(warden_task(2), "exit 5"));
  client_.expect<wire::WardenOutput>(warden_task(1));
  client_ = warden_.connect();
  const auto state = client_.hello();
  ASSERT_EQ(state.running.size(), 1U);
  EXPECT_EQ(state.running[0].task, warden_task(1));
  EXPECT_GT(state.running[0].pid, 0);
  EXPECT_TRUE(is_alive(static_cast<pid_t>(state.running[0].pid)));
  ASSERT_EQ(state.exited.size(), 1U);
  EXPECT_EQ(state.exited[0].task, warden_task(2));
  EXPECT_EQ(state.exited[0].result.code, 5);
  EXPECT_EQ(client_.expect<wire::WardenOutput>(warden_task(1)).stdout_bytes, 4U);
}

TEST_F(WardenLink, WhatEndsWhileNoAgentIsThereIsFound) {
  client_.send(shell_start(warden_task(1), "mkfifo go; echo ready; read line < go; exit 9"));
  client_.expect<wire::WardenOutput>(warden_task(1));
  const std::string go = warden_.directory_of(warden_task(1)) + "/work/go";
  {
    // The second task is given away together with the connection.
    client_.send(shell_start(warden_task(2), "echo > " + go));
    client_ = warden_.connect();
  }
  auto state = client_.hello();
  while (state.exited.size() < 2) {
    client_.next();
    state = client_.hello();
  }
  EXPECT_EQ(state.exited[0].result.code, 9);
}

TEST_F(WardenLink, ASecondConnectionReplacesTheFirst) {
  WardenClient second = warden_.connect();
  client_.expect_closed();
  EXPECT_EQ(second.hello().slots, 2U);
}

TEST_F(WardenLink, HundredsOfEndedAttemptsComeInPages) {
  constexpr JobId kCount = 300;
  for (JobId job = 1; job <= kCount; ++job) client_.run(command_start(warden_task(job), {"true"}));
  EXPECT_EQ(client_.hello().exited.size(), kCount);
}

TEST_F(WardenLink, AStartBeyondTheSlotsIsRefused) {
  for (JobId job = 1; job <= 3; ++job) client_.send(command_start(warden_task(job), {"sleep", "1000"}));
  const auto refused = client_.expect<wire::WardenRefused>();
  EXPECT_EQ(refused.task, warden_task(3));
  EXPECT_EQ(refused.why, "no free slot");
}

TEST_F(WardenLink, ANameInUseIsRefused) {
  client_.send(command_start(warden_task(1), {"sleep", "1000"}));
  client_.send(command_start(warden_task(1), {"true"}));
  EXPECT_THAT(client_.expect<wire::WardenRefused>(warden_task(1)).why, HasSubstr("running already"));
  client_.run(command_start(warden_task(2), {"true"}));
  client_.send(command_start(warden_task(2), {"true"}));
  EXPECT_THAT(client_.expect<wire::WardenRefused>(warden_task(2)).why, HasSubstr("ended already"));
}

TEST_F(WardenLink, AStartThatMakesNoSenseIsRefusedWithTheReason) {
  client_.send(command_start(warden_task(1), {}));
  EXPECT_THAT(client_.expect<wire::WardenRefused>().why, HasSubstr("must name a command"));
  client_.send(command_start(warden_task(1), {"echo", std::string("a\0b", 3)}));
  EXPECT_THAT(client_.expect<wire::WardenRefused>().why, HasSubstr("NUL"));
}

TEST_F(WardenLink, ForgetRemovesTheAttemptAndFreesItsName) {
  const auto start = shell_start(warden_task(1), "echo text");
  client_.run(start);
  client_.send(wire::WardenForget{{start.task, warden_task(77)}});
  EXPECT_TRUE(client_.hello().exited.empty());
  EXPECT_EQ(posix::list_directory(dir_ / "state/attempts").value(), std::vector<std::string>{});
  EXPECT_EQ(client_.run(start).result.code, 0);
}

TEST_F(WardenLink, ForgettingARunningAttemptIsRefused) {
  client_.send(command_start(warden_task(1), {"sleep", "1000"}));
  client_.send(wire::WardenForget{{warden_task(1)}});
  EXPECT_THAT(client_.expect<wire::WardenRefused>(warden_task(1)).why, HasSubstr("running"));
  EXPECT_EQ(client_.hello().running.size(), 1U);
}

TEST_F(WardenLink, AKillAfterTheEndIsAnsweredWithTheEnd) {
  client_.run(shell_start(warden_task(1), "exit 4"));
  client_.send(wire::WardenKill{warden_task(1), Outcome::cancelled});
  EXPECT_EQ(client_.expect<wire::WardenExited>(warden_task(1)).result.code, 4);
  client_.send(wire::WardenKill{warden_task(2), Outcome::cancelled});
  EXPECT_THAT(client_.expect<wire::WardenRefused>(warden_task(2)).why, HasSubstr("not here"));
}

TEST_F(WardenLink, AnswersPings) {
  client_.send(wire::WardenPing{});
  client_.expect<wire::WardenPong>();
}

// A shell that has waited for one child, with another one at work: the time of all three, and it grows.
TEST_F(WardenLink, TellsTheCpuTimeOfWhatRuns) {
  const std::string burn = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
  client_.send(shell_start(warden_task(1), "sh -c '" + burn + "'; sh -c 'while :; do :; done' & wait"));
  client_.send(command_start(warden_task(2), {"sleep", "1000"}));
  client_.expect<wire::WardenStarted>(warden_task(1));
  client_.expect<wire::WardenStarted>(warden_task(2));
  uint64_t cpu_us = 0;
  for (int more = 0; more < 3; ++more) {
    const uint64_t before_us = cpu_us;
    while (cpu_us <= before_us + 20'000) {
      client_.send(wire::WardenAskUsage{});
      cpu_us = client_.expect<wire::WardenUsage>(warden_task(1)).cpu_us;
    }
  }
  EXPECT_LE(client_.expect<wire::WardenUsage>(warden_task(2)).cpu_us, 20'000U);
  client_.send(wire::WardenKill{warden_task(1), Outcome::cancelled});
  const auto exited = client_.expect<wire::WardenExited>(warden_task(1));
  EXPECT_GE(exited.result.cpu_ms + 10, static_cast<int64_t>(cpu_us / 1000));
}

// A keeper that was busy for long answers what is asked now, and not all that was asked meanwhile.
TEST_F(WardenLink, QuestionsThatHaveWaitedAreAnsweredOnce) {
  const auto start = shell_start(warden_task(1), "echo $PPID; exec sleep 1000");
  client_.send(start);
  client_.expect<wire::WardenOutput>(start.task);
  const pid_t keeper = pid_in(warden_.stdout_of(start.task));
  ::kill(keeper, SIGSTOP);
  for (int question = 0; question < 100; ++question) {
    client_.send(wire::WardenAskUsage{});
    client_.send(wire::WardenPing{});
    client_.expect<wire::WardenPong>();  // the warden has passed it on
  }
  ::kill(keeper, SIGCONT);
  client_.expect<wire::WardenUsage>(start.task);
  client_.send(wire::WardenKill{start.task, Outcome::cancelled});
  int answers = 1;
  for (bool ended = false; !ended;) {
    const wire::WardenReport report = client_.next();
    if (std::holds_alternative<wire::WardenUsage>(report)) ++answers;
    ended = std::holds_alternative<wire::WardenExited>(report);
  }
  EXPECT_LE(answers, 10) << "of 100";
}

TEST_F(WardenLink, GarbageIsRefusedAndTheConnectionGoesOn) {
  client_.send_bytes(wire::make_frame("\x01\xff garbage"));
  EXPECT_FALSE(client_.expect<wire::WardenRefused>().why.empty());
  client_.send_bytes(wire::make_frame(R"({"type":"start","task":"../../etc"})"));
  EXPECT_FALSE(client_.expect<wire::WardenRefused>().why.empty());
  EXPECT_EQ(client_.run(command_start(warden_task(1), {"true"})).result.code, 0);
}

TEST_F(WardenLink, AFrameThatIsTooLargeClosesTheConnectionAndNothingElse) {
  client_.send(command_start(warden_task(1), {"sleep", "1000"}));
  client_.expect<wire::WardenStarted>(warden_task(1));
  client_.send_bytes(std::string("\xff\xff\xff\x7f", 4));
  client_.expect_closed();
  client_ = warden_.connect();
  EXPECT_EQ(client_.hello().running.size(), 1U);
}

TEST_F(WardenLink, AnotherProtocolIsRefusedInWords) {
  client_.send(wire::WardenHello{99});
  EXPECT_THAT(client_.expect<wire::WardenRefused>().why, HasSubstr("protocol 99"));
}

TEST(WardenCommandLine, ThereIsASlotForEachCoreWhereNothingElseIsSaid) {
  const TempDir dir;
  Daemon warden("warden", dir / "log", {BRAMBLE_WARDEN, "--state", dir / "state"});
  warden.start();
  cpu_set_t set;
  ASSERT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
  EXPECT_EQ(WardenClient(dir / "state/warden.sock").hello().slots, static_cast<uint32_t>(CPU_COUNT(&set)));
}

TEST(WardenCommandLine, WrongUsageIsSaidWithStatus2) {
  const TempDir dir;
  for (const auto& args : std::vector<std::vector<std::string>>{{"--no-such-option"}, {"--slots", "0"}, {"extra"}}) {
    WardenProcess warden(dir / "state", 1, args);
    EXPECT_EQ(warden.wait_for_end().code, 2) << args[0];
  }
}

}  // namespace
}  // namespace bramble::test
