// What neither a task nor whoever has taken the agent over may do.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <csignal>

#include "common/posix/unix_socket.hpp"
#include "users_fixture.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;
using wire::Outcome;

enum Connected { kServed = 0, kTurnedAway = 1, kForbidden = 2 };

// Says hello and tells what came of it.
int try_hello(const std::string& socket_path) {
  const auto socket = posix::connect_unix(socket_path);
  if (!socket) return kForbidden;
  const std::string hello = wire::make_frame(encode(wire::WardenRequest(wire::WardenHello{})));
  static_cast<void>(::send(socket->get(), hello.data(), hello.size(), MSG_NOSIGNAL));
  pollfd ready{socket->get(), POLLIN, 0};
  char first = 0;
  return ::poll(&ready, 1, kWaitLimitMs) == 1 && ::recv(socket->get(), &first, 1, 0) == 1 ? kServed : kTurnedAway;
}

class WardenUsers : public TwoUsersTest {
 protected:
  wire::WardenExited cat(const std::string& path) {
    auto start = command_start(warden_task(next_job_++), {"cat"});
    start.stdin_path = path;
    auto exited = client_->run(start);
    printed_ = warden_->stdout_of(start.task);
    return exited;
  }

  JobId next_job_ = 1;
  std::string printed_;
};

TEST_F(WardenUsers, OnlyTheAgentAndRootMayConnect) {
  const std::string socket = dir_ / "state/warden.sock";
  EXPECT_EQ(as_user(agent_, [&] { return try_hello(socket); }), kServed);
  EXPECT_EQ(as_user(task_, [&] { return try_hello(socket); }), kForbidden);
  // Whom the group lets through the door is turned away all the same, and the agent's connection stays.
  auto agent = warden_->connect();
  agent.hello();
  const warden::RunAs member{"member", task_.uid, agent_.gid, {agent_.gid}};
  EXPECT_EQ(as_user(member, [&] { return try_hello(socket); }), kTurnedAway);
  EXPECT_EQ(agent.hello().slots, 2U);
  EXPECT_THAT(warden_->log(), HasSubstr("turned away a connection of user " + std::to_string(task_.uid)));
}

TEST_F(WardenUsers, AnInputOfTheAgentIsReadAlsoWhereTheTaskMayNot) {
  EXPECT_EQ(cat(file("input", &agent_, 0600, "secret of a job")).result.code, 0);
  EXPECT_EQ(printed_, "secret of a job");
}

TEST_F(WardenUsers, AFileThatNoTaskCouldChangeIsLinkedAndStaysAsItIs) {
  const std::string kept = file("kept", &agent_, 0555, "as it was\n");
  auto start = command_start(warden_task(1), {"sh", "-c",
                                              "cat data; stat -c %h data; chmod 0777 data; echo changed >data; "
                                              "mv data moved && echo other >data; cat data"});
  start.files = {{"data", kept}};
  EXPECT_EQ(client_->run(start).result.code, 0);
  EXPECT_EQ(warden_->stdout_of(start.task), "as it was\n2\nother\n");
  EXPECT_EQ(posix::read_file(kept, 100).value(), "as it was\n");
  struct stat about {};
  ASSERT_EQ(::stat(kept.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777, 0555U);
  EXPECT_EQ(about.st_nlink, 1U) << "its link went with the task's directory";
}

TEST_F(WardenUsers, AFileThatATaskCouldChangeIsCopied) {
  const std::string loose = file("loose", &agent_, 0666, "as it was");
  auto start = command_start(warden_task(1), {"sh", "-c", "stat -c '%h %a' data; cat data"});
  start.files = {{"data", loose}};
  EXPECT_EQ(client_->run(start).result.code, 0);
  EXPECT_EQ(warden_->stdout_of(start.task), "1 555\nas it was");
  const std::string own = file("own", &task_, 0555, "the task's");
  start = command_start(warden_task(2), {"cat", "data"});
  start.files = {{"data", own}};
  EXPECT_THAT(client_->run(start).result.text, HasSubstr("does not belong to the agent's user"));
}

TEST_F(WardenUsers, TheAgentCannotHaveAnothersFileReadToATask) {
  const auto root_only = cat(file("shadow", nullptr, 0600));
  EXPECT_EQ(root_only.result.outcome, Outcome::start_failed);
  EXPECT_THAT(root_only.result.text, HasSubstr("permission denied"));
  const auto readable = cat(file("open", nullptr, 0644));
  EXPECT_EQ(readable.result.outcome, Outcome::start_failed);
  EXPECT_THAT(readable.result.text, HasSubstr("does not belong to the agent's user daemon"));
  EXPECT_EQ(cat("/proc/self/maps").result.outcome, Outcome::start_failed);
}

TEST_F(WardenUsers, TheAgentCannotLeadThroughALinkOrStopAKeeperWithAPipe) {
  const std::string own = file("own", &agent_, 0600);
  ASSERT_EQ(::symlink(own.c_str(), (dir_ / "link").c_str()), 0);
  EXPECT_THAT(cat(dir_ / "link").result.text, HasSubstr("is a link"));
  ASSERT_EQ(::mkfifo((dir_ / "fifo").c_str(), 0600), 0);
  ASSERT_EQ(::chown((dir_ / "fifo").c_str(), agent_.uid, agent_.gid), 0);
  EXPECT_THAT(cat(dir_ / "fifo").result.text, HasSubstr("no plain file"));
  EXPECT_EQ(cat(own).result.code, 0) << "the keeper has its rights back";
}

TEST_F(WardenUsers, ATaskNeitherReadsTheAgentsKeyNorReachesAgentOrWarden) {
  posix::Process agent = start_as(agent_, [] { return ::pause(); });
  EXPECT_EQ(output_of(trespass(warden_task(1), agent.pid())), kNoTrespass);
  agent.kill_and_wait();
}

TEST_F(WardenUsers, TasksAndAgentMustBeTwoUsers) {
  WardenProcess one(dir_ / "one", 1, {"--user", kTaskUser, "--agent", kTaskUser});
  EXPECT_EQ(one.wait_for_end().code, 2);
  EXPECT_THAT(one.log(), HasSubstr("give them two"));
}

}  // namespace
}  // namespace bramble::test
