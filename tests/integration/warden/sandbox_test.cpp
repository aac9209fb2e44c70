// Tasks in a sandbox: what they cannot do, and that all else is as without one.
#include <arpa/inet.h>
#include <sys/socket.h>

#include <csignal>

#include "users_fixture.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using wire::Outcome;

class WardenSandbox : public TwoUsersTest {
 protected:
  void SetUp() override {
    TwoUsersTest::SetUp();
    if (IsSkipped()) return;
    const auto containment = client_->hello().containment;
    if (!containment.sandbox) GTEST_SKIP() << "no sandbox here: " << containment.no_sandbox;
  }

  static wire::WardenStart isolated(wire::WardenStart start) {
    start.spec.isolate = wire::Isolation::sandbox;
    return start;
  }
  wire::WardenStart script(const std::string& text) { return isolated(shell_start(warden_task(next_job_++), text)); }

  JobId next_job_ = 1;
};

TEST_F(WardenSandbox, WorkingDirectoryAndTmpAreWritableAndNothingElse) {
  const auto start = script(
      "pwd; echo $HOME $TMPDIR; for d in . /tmp /dev/shm /usr /etc /run /dev /var/tmp /home .. /; do "
      "touch $d/x 2>/dev/null && echo wrote $d; done; id -u");
  const std::string work = warden_->directory_of(start.task) + "/work";
  EXPECT_EQ(output_of(start), work + "\n" + work + " " + work + "\nwrote .\nwrote /tmp\nwrote /dev/shm\n" +
                                  std::to_string(task_.uid) + "\n");
}

TEST_F(WardenSandbox, OtherProcessesAreNotSeen) {
  const auto start =
      script("kill -0 " + std::to_string(warden_->pid()) + " 2>/dev/null && echo seen; ls -d /proc/[0-9]* | wc -l");
  const std::string said = output_of(start);
  EXPECT_THAT(said, Not(HasSubstr("seen")));
  EXPECT_LE(std::stoi(said), 5) << "bubblewrap's own, the shell and what it runs";
}

TEST_F(WardenSandbox, ATaskDoesNotSeeAnothersFiles) {
  auto other = script("echo secret > mine; echo secret > /tmp/theirs; echo ready; exec sleep 1000");
  client_->send(other);
  client_->expect<wire::WardenOutput>(other.task);
  const auto start = script("cat " + warden_->directory_of(other.task) + "/work/mine /tmp/theirs; ls /tmp " +
                            (dir_ / "state") + " " + (dir_ / "state/attempts"));
  const std::string said = output_of(start);
  EXPECT_THAT(said, Not(HasSubstr("secret\n")));
  EXPECT_THAT(said, Not(HasSubstr("warden.sock")));
  EXPECT_THAT(said, Not(HasSubstr(directory_name(other.task) + "\n"))) << "only its own is there";
}

TEST_F(WardenSandbox, ATaskNeitherReadsTheAgentsKeyNorReachesAgentOrWarden) {
  posix::Process agent = start_as(agent_, [] { return ::pause(); });
  EXPECT_EQ(output_of(isolated(trespass(warden_task(next_job_++), agent.pid()))), kNoTrespass);
  agent.kill_and_wait();
}

// A server on the loopback that only listens: connecting is enough.
class LoopbackServer {
 public:
  LoopbackServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd_.get(), any, size) != 0 || ::listen(fd_.get(), 8) != 0 || ::getsockname(fd_.get(), any, &size) != 0) {
      throw std::runtime_error("cannot listen on the loopback");
    }
    port_ = ntohs(address.sin_port);
  }
  std::string connect_script() const {
    return "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", " + std::to_string(port_) +
           "), 5); print(\"reached\")' 2>&1";
  }

 private:
  posix::UniqueFd fd_;
  uint16_t port_ = 0;
};

TEST_F(WardenSandbox, TheNetworkIsReachedOnlyWhereItWasAskedFor) {
  const LoopbackServer server;
  EXPECT_THAT(output_of(script(server.connect_script())), Not(HasSubstr("reached")));
  auto with_network = script(server.connect_script());
  with_network.spec.network = true;
  EXPECT_EQ(output_of(with_network), "reached\n");
}

TEST_F(WardenSandbox, StandardInputEnvironmentAndStatusAreAsWithout) {
  auto start = script("cat; echo $GIVEN; echo err >&2; exit 7");
  start.spec.env = {{"GIVEN", "value"}};
  start.stdin_path = file("input", &agent_, 0600, "in ");
  const auto exited = client_->run(start);
  EXPECT_EQ(exited.result.outcome, Outcome::exited);
  EXPECT_EQ(exited.result.code, 7);
  EXPECT_EQ(warden_->stdout_of(start.task), "in value\n");
  EXPECT_EQ(warden_->stderr_of(start.task), "err\n");
}

TEST_F(WardenSandbox, InputFilesAreThereAndCanBeRun) {
  auto start = isolated(command_start(warden_task(1), {"./tool"}));
  start.files = {{"tool", file("tool", &agent_, 0555, "#!/bin/sh\ncat data; echo x 2>/dev/null >data || echo kept\n")},
                 {"data", file("data", &agent_, 0555, "bytes ")}};
  EXPECT_EQ(client_->run(start).result.code, 0);
  EXPECT_EQ(warden_->stdout_of(start.task), "bytes kept\n");
}

TEST_F(WardenSandbox, ASignalThatEndsTheCommandIsToldAsOne) {
  const auto exited = client_->run(script("kill -SEGV $$"));
  EXPECT_EQ(exited.result.outcome, Outcome::signaled);
  EXPECT_EQ(exited.result.signal, SIGSEGV);
}

TEST_F(WardenSandbox, ACommandThatIsNotThereIsToldAsWithout) {
  const auto exited = client_->run(isolated(command_start(warden_task(1), {"no-such-command"})));
  EXPECT_EQ(exited.result.outcome, Outcome::start_failed);
  EXPECT_EQ(exited.result.code, 127);
}

TEST_F(WardenSandbox, ACancelledTaskGetsTermAndMayEndInGoodOrder) {
  const auto start = script("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done");
  client_->send(start);
  client_->expect<wire::WardenOutput>(start.task);
  client_->send(wire::WardenKill{start.task, Outcome::cancelled});
  const auto exited = client_->expect<wire::WardenExited>(start.task);
  EXPECT_EQ(exited.result.outcome, Outcome::cancelled);
  EXPECT_EQ(exited.result.code, 7);
  EXPECT_EQ(warden_->stdout_of(start.task), "ready\nbye\n");
}

TEST_F(WardenSandbox, ATaskThatIgnoresTermIsKilledAfterItsGraceWithAllThatCameOfIt) {
  auto start = script("trap '' TERM; (setsid sleep 1000 &); echo ready; while :; do sleep 1000; done");
  start.spec.kill_grace_ms = 50;
  client_->send(start);
  client_->expect<wire::WardenOutput>(start.task);
  client_->send(wire::WardenKill{start.task, Outcome::cancelled});
  const auto exited = client_->expect<wire::WardenExited>(start.task);
  EXPECT_EQ(exited.result.outcome, Outcome::cancelled);
  EXPECT_GE(exited.result.duration_ms, 50);
}

TEST_F(WardenSandbox, WhatTheCommandLeavesBehindDiesWithIt) {
  const auto start = script(with_daemon("exit 3"));
  EXPECT_EQ(client_->run(start).result.code, 3);  // told only when all is dead
  EXPECT_EQ(client_->run(script("true")).result.code, 0);
}

TEST_F(WardenSandbox, ItsCpuTimeIsCounted) {
  const auto exited = client_->run(script("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"));
  EXPECT_GT(exited.result.cpu_ms, 10);
}

TEST_F(WardenSandbox, AWardenThatRequiresItIsolatesEveryTask) {
  start_warden({"--require-sandbox"});
  EXPECT_EQ(output_of(shell_start(warden_task(1), "touch /dev/shm/x /usr/x 2>&1 | wc -l; echo $$")), "1\n2\n")
      << "the shell is the second process of its sandbox";
}

TEST_F(WardenSandbox, AWardenThatRequiresWhatItCannotDoDoesNotStart) {
  WardenProcess without(dir_ / "other", 1, {"--user", kTaskUser, "--require-sandbox", "--bwrap", "/no/bwrap"});
  EXPECT_EQ(without.wait_for_end().code, 1);
  EXPECT_THAT(without.log(), HasSubstr("bubblewrap is not installed"));
}

// What ProtectKernelLogs= in a unit does, and what containers do.
TEST_F(TwoUsersTest, WhereAPartOfProcIsHiddenTheWardenSaysThatThisIsWhy) {
  const std::string bare = client_->hello().containment.no_sandbox;
  if (!bare.empty()) GTEST_SKIP() << "no sandbox here: " << bare;
  const std::string mask = "mount --bind /dev/null /proc/kmsg && exec \"$@\"";
  posix::SpawnOptions trial;
  trial.argv = {"/usr/bin/unshare", "--mount", "/bin/sh", "-c", mask, "sh", "true"};
  if (posix::Process::spawn(trial)->wait(kWaitLimitMs) != posix::ExitStatus{})
    GTEST_SKIP() << "needs the right to mount";
  WardenProcess masked(dir_ / "masked", 1, {"--user", kTaskUser, "--agent", kAgentUser},
                       {"/usr/bin/unshare", "--mount", "/bin/sh", "-c", mask, "sh"});
  const auto containment = masked.connect().hello().containment;
  if (containment.sandbox) GTEST_SKIP() << "this kernel sees a whole /proc elsewhere";
  EXPECT_THAT(containment.no_sandbox, HasSubstr("a part of /proc is hidden from bramble-warden"));
}

TEST_F(TwoUsersTest, WithoutBubblewrapTheWardenSaysSoAndRunsNoSuchTask) {
  start_warden({"--bwrap", "/no/bwrap"});
  const auto containment = client_->hello().containment;
  EXPECT_FALSE(containment.sandbox);
  EXPECT_EQ(containment.no_sandbox, "bubblewrap is not installed");
  auto start = command_start(warden_task(1), {"true"});
  start.spec.isolate = wire::Isolation::sandbox;
  const auto exited = client_->run(start);
  EXPECT_EQ(exited.result.outcome, Outcome::start_failed);
  EXPECT_EQ(exited.result.text, "this node cannot isolate tasks: bubblewrap is not installed");
}

}  // namespace
}  // namespace bramble::test
