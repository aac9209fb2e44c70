// The lease: a task that has one dies at its end, whatever hangs meanwhile.
#include <csignal>
#include <fstream>
#include <thread>

#include "common/posix/system_clock.hpp"
#include "fixture.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;
using wire::Outcome;

constexpr int64_t kShortMs = 1500;

class WardenLease : public WardenTest {
 protected:
  // A task that tells its pid and would go on for ever.
  wire::WardenStart leased(int64_t lease_ms, const std::string& first = "trap '' TERM") {
    auto start = shell_start(warden_task(1), first + "; echo $$; while :; do sleep 1000; done");
    start.spec.lease_ms = lease_ms;
    start.heard_ms = posix::mono_now().ms;
    return start;
  }

  pid_t pid_of(const wire::WardenStart& start) {
    client_.expect<wire::WardenOutput>(start.task);
    return pid_in(warden_.stdout_of(start.task));
  }

  static pid_t parent_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string skipped;
    pid_t parent = 0;
    file >> skipped >> skipped >> skipped >> parent;
    return parent;
  }
};

TEST_F(WardenLease, ItsEndKillsTheTask) {
  const auto start = leased(kShortMs);
  const auto exited = client_.run(start);
  EXPECT_EQ(exited.result.outcome, Outcome::lease_ended);
  EXPECT_EQ(exited.result.signal, SIGKILL);
  EXPECT_THAT(exited.result.text, HasSubstr("end of its lease"));
  EXPECT_GE(posix::mono_now().ms, start.heard_ms + kShortMs);
}

TEST_F(WardenLease, ATaskWithoutOneIsLeftAlone) {
  const auto start = command_start(warden_task(1), {"sleep", "0.5"});
  client_.send(start);
  client_.send(wire::WardenLease{1});
  EXPECT_EQ(client_.expect<wire::WardenExited>(start.task).result.outcome, Outcome::exited);
}

TEST_F(WardenLease, GoesOnWhileItIsProlonged) {
  const auto start = leased(2500, "trap 'echo stopped; exit 5' TERM");
  client_.send(start);
  pid_of(start);
  const int64_t began_ms = posix::mono_now().ms;
  while (posix::mono_now().ms < began_ms + 4000) {
    client_.send(wire::WardenLease{posix::mono_now().ms});
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // as an agent would, beat by beat
  }
  client_.send(wire::WardenKill{start.task, Outcome::cancelled});
  const auto exited = client_.expect<wire::WardenExited>(start.task);
  EXPECT_EQ(exited.result.outcome, Outcome::cancelled);
  EXPECT_EQ(exited.result.code, 5);
}

TEST_F(WardenLease, AnOldWordDoesNotProlongIt) {
  const auto start = leased(kShortMs);
  client_.send(start);
  pid_of(start);
  client_.send(wire::WardenLease{start.heard_ms - 1000});
  client_.send(wire::WardenLease{start.heard_ms});
  EXPECT_EQ(client_.expect<wire::WardenExited>(start.task).result.outcome, Outcome::lease_ended);
}

TEST_F(WardenLease, ATaskWhoseLeaseIsOverNeverBegins) {
  auto start = leased(kShortMs);
  start.heard_ms -= kShortMs;
  const auto exited = client_.run(start);
  EXPECT_EQ(exited.result.outcome, Outcome::lease_ended);
  EXPECT_EQ(warden_.stdout_of(start.task), "");
}

TEST_F(WardenLease, EndsATaskThatIsGivenALongTimeToEnd) {
  auto start = leased(2000);
  start.spec.kill_grace_ms = 1'000'000;
  client_.send(start);
  pid_of(start);
  client_.send(wire::WardenKill{start.task, Outcome::cancelled});
  const auto exited = client_.expect<wire::WardenExited>(start.task);
  EXPECT_EQ(exited.result.outcome, Outcome::cancelled) << "the first reason counts";
  EXPECT_EQ(exited.result.signal, SIGKILL);
}

TEST_F(WardenLease, ItsEndKillsTheTaskOfAHangingWarden) {
  const auto start = leased(1500);
  client_.send(start);
  const pid_t task = pid_of(start);
  ASSERT_TRUE(is_alive(task));
  ::kill(warden_.pid(), SIGSTOP);
  wait_until_dead(task);
  ::kill(warden_.pid(), SIGCONT);
  EXPECT_EQ(client_.expect<wire::WardenExited>(start.task).result.outcome, Outcome::lease_ended);
}

TEST_F(WardenLease, ItsEndKillsTheTaskOfAHangingKeeper) {
  const auto start = leased(1500);
  client_.send(start);
  const pid_t task = pid_of(start);
  ::kill(parent_of(task), SIGSTOP);
  EXPECT_EQ(client_.expect<wire::WardenExited>(start.task).result.outcome, Outcome::warden_lost);
  EXPECT_FALSE(is_alive(task));
}

TEST_F(WardenLease, ItsEndKillsTheTaskOfADeadAgent) {
  const auto start = leased(1500);
  client_.send(start);
  const pid_t task = pid_of(start);
  client_ = warden_.connect();  // the first agent is gone, and this one never says a word
  wait_until_dead(task);
}

TEST_F(WardenLease, AWordThatWaitedWhileTheKeeperHungDoesNotReviveIt) {
  const auto start = leased(kShortMs);
  client_.send(start);
  const pid_t keeper = parent_of(pid_of(start));
  ::kill(keeper, SIGSTOP);
  std::this_thread::sleep_for(std::chrono::milliseconds(kShortMs + 100));
  client_.send(wire::WardenLease{posix::mono_now().ms});
  client_.hello();  // the warden has passed it on
  ::kill(keeper, SIGCONT);
  EXPECT_EQ(client_.expect<wire::WardenExited>(start.task).result.outcome, Outcome::lease_ended);
}

}  // namespace
}  // namespace bramble::test
