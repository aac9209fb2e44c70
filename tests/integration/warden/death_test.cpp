// What happens when the warden or a keeper dies.
#include <csignal>

#include "common/posix/files.hpp"
#include "fixture.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;
using wire::Outcome;

class WardenDeath : public WardenTest {
 protected:
  // Runs with a daemon that left session and parent; returns both pids.
  std::pair<pid_t, pid_t> start_with_daemon(const wire::WardenTask& task) {
    client_.send(shell_start(task, with_daemon("echo >&2; while :; do sleep 1000; done")));
    const pid_t main = static_cast<pid_t>(client_.expect<wire::WardenStarted>(task).pid);
    while (client_.expect<wire::WardenOutput>(task).stderr_bytes == 0) {
    }
    return {main, pid_in(warden_.stdout_of(task))};
  }

  static pid_t parent_of(pid_t pid) {
    const std::string stat = posix::read_file("/proc/" + std::to_string(pid) + "/stat", 4096).value();
    return static_cast<pid_t>(std::stol(stat.substr(stat.rfind(") ") + 4)));
  }
};

TEST_F(WardenDeath, TasksDieWithTheWardenAndTheNextOneSaysWhich) {
  const auto [main, daemon] = start_with_daemon(warden_task(1));
  client_.run(shell_start(warden_task(2), "exit 6"));
  warden_.kill();
  warden_.start();
  client_ = warden_.connect();
  const auto state = client_.hello();
  EXPECT_FALSE(is_alive(main));
  EXPECT_FALSE(is_alive(daemon));
  EXPECT_TRUE(state.running.empty());
  ASSERT_EQ(state.exited.size(), 2U);
  EXPECT_EQ(state.exited[0].result.outcome, Outcome::warden_lost);
  EXPECT_GT(state.exited[0].result.out.kept_bytes, 0U);
  EXPECT_GT(state.exited[0].result.started_wall_ms, 0);
  EXPECT_EQ(state.exited[1].result.code, 6);
  EXPECT_THAT(warden_.log(), HasSubstr("lost with the last warden attempt=" + directory_name(warden_task(1))));
  client_.send(wire::WardenForget{{warden_task(1), warden_task(2)}});
  client_.hello();
  EXPECT_EQ(posix::list_directory(dir_ / "state/attempts").value(), std::vector<std::string>{});
}

TEST_F(WardenDeath, AKilledKeepersTaskDiesAndItsSlotWorksAgain) {
  const auto [main, daemon] = start_with_daemon(warden_task(1));
  ASSERT_EQ(::kill(parent_of(main), SIGKILL), 0);
  const auto exited = client_.expect<wire::WardenExited>(warden_task(1));
  EXPECT_EQ(exited.result.outcome, Outcome::warden_lost);
  EXPECT_FALSE(is_alive(main));
  EXPECT_FALSE(is_alive(daemon));
  client_.send(command_start(warden_task(2), {"sleep", "1000"}));
  client_.send(command_start(warden_task(3), {"sleep", "1000"}));
  client_.expect<wire::WardenStarted>(warden_task(2));
  client_.expect<wire::WardenStarted>(warden_task(3));
}

TEST_F(WardenDeath, AKilledKeeperDoesNotDisturbTheOtherSlots) {
  const pid_t first = start_with_daemon(warden_task(1)).first;
  const auto [second, daemon] = start_with_daemon(warden_task(2));
  ASSERT_EQ(::kill(parent_of(first), SIGKILL), 0);
  client_.expect<wire::WardenExited>(warden_task(1));
  EXPECT_TRUE(is_alive(second));
  EXPECT_TRUE(is_alive(daemon));
}

TEST_F(WardenDeath, SigtermEndsTasksInGoodOrder) {
  const auto start =
      shell_start(warden_task(1), "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done");
  client_.send(start);
  client_.expect<wire::WardenOutput>(start.task);
  EXPECT_EQ(warden_.stop(), (posix::ExitStatus{0, 0}));
  EXPECT_EQ(client_.expect<wire::WardenExited>(start.task).result.outcome, Outcome::warden_lost);
  EXPECT_EQ(warden_.stdout_of(start.task), "ready\nbye\n");
  warden_.start();
  client_ = warden_.connect();
  EXPECT_EQ(client_.hello().exited.size(), 1U);
}

TEST_F(WardenDeath, AnIdleWardenStopsAtOnce) { EXPECT_EQ(warden_.stop(), (posix::ExitStatus{0, 0})); }

TEST_F(WardenDeath, ASecondWardenInTheSameDirectoryIsTurnedAway) {
  WardenProcess second(dir_ / "state");
  EXPECT_EQ(second.wait_for_end().code, 1);
  EXPECT_THAT(second.log(), HasSubstr("another bramble-warden works in"));
  EXPECT_EQ(client_.run(command_start(warden_task(1), {"true"})).result.code, 0);
}

TEST_F(WardenDeath, AnAttemptThatNeverStartedIsCleanedUp) {
  warden_.kill();
  ASSERT_TRUE(posix::make_directories(warden_.directory_of(warden_task(1)) + "/work"));
  warden_.start();
  client_ = warden_.connect();
  EXPECT_TRUE(client_.hello().exited.empty());
  EXPECT_EQ(client_.run(command_start(warden_task(1), {"true"})).result.code, 0);
}

TEST_F(WardenDeath, AnExitRecordOfAnotherAttemptCountsAsDamaged) {
  client_.run(command_start(warden_task(1), {"true"}));
  warden_.kill();
  const std::string record = posix::read_file(warden_.directory_of(warden_task(1)) + "/exit.json", 1 << 20).value();
  const std::string other = warden_.directory_of(warden_task(2));
  ASSERT_TRUE(posix::make_directories(other));
  ASSERT_TRUE(posix::write_file_atomically(other + "/exit.json", record));
  warden_.start();
  client_ = warden_.connect();
  const auto state = client_.hello();
  ASSERT_EQ(state.exited.size(), 2U);
  EXPECT_EQ(state.exited[0].result.outcome, Outcome::exited);
  EXPECT_EQ(state.exited[1].task, warden_task(2));
  EXPECT_EQ(state.exited[1].result.outcome, Outcome::warden_lost);
}

TEST_F(WardenDeath, ADamagedExitRecordIsTold) {
  client_.run(command_start(warden_task(1), {"true"}));
  warden_.kill();
  ASSERT_TRUE(posix::write_file_atomically(warden_.directory_of(warden_task(1)) + "/exit.json", "{"));
  warden_.start();
  client_ = warden_.connect();
  const auto state = client_.hello();
  ASSERT_EQ(state.exited.size(), 1U);
  EXPECT_EQ(state.exited[0].result.outcome, Outcome::warden_lost);
  EXPECT_THAT(state.exited[0].result.text, HasSubstr("exit record cannot be read"));
}

}  // namespace
}  // namespace bramble::test
