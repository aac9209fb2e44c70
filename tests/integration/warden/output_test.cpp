// What tasks write.
#include <sys/mount.h>

#include "fixture.hpp"

namespace bramble::test {
namespace {

using testing::HasSubstr;
using wire::Outcome;

class WardenOutputs : public WardenTest {};

TEST_F(WardenOutputs, KeepsBothStreamsApartAndCountsThem) {
  const auto start = shell_start(warden_task(1), "printf abc; printf defgh >&2");
  const auto exited = client_.run(start);
  EXPECT_EQ(warden_.stdout_of(start.task), "abc");
  EXPECT_EQ(warden_.stderr_of(start.task), "defgh");
  EXPECT_EQ(exited.result.out.kept_bytes, 3U);
  EXPECT_EQ(exited.result.err.kept_bytes, 5U);
  EXPECT_EQ(exited.result.out.dropped_bytes, 0U);
}

TEST_F(WardenOutputs, KeepsUpToTheCapAndCountsTheRest) {
  auto start = shell_start(warden_task(1), "head -c 1000000 /dev/zero; printf abcdef >&2");
  start.spec.stdout_cap_bytes = 100'000;
  start.spec.stderr_cap_bytes = 4;
  const auto exited = client_.run(start);
  EXPECT_EQ(exited.result.code, 0);
  EXPECT_EQ(exited.result.out.kept_bytes, 100'000U);
  EXPECT_EQ(exited.result.out.dropped_bytes, 900'000U);
  EXPECT_EQ(warden_.stdout_of(start.task).size(), 100'000U);
  EXPECT_EQ(warden_.stderr_of(start.task), "abcd");
  EXPECT_EQ(exited.result.err.dropped_bytes, 2U);
}

TEST_F(WardenOutputs, TellsOfOutputWhileTheTaskRuns) {
  const auto start = shell_start(warden_task(1), "echo one; read line < go; echo two; exec sleep 1000");
  auto with_fifo = start;
  with_fifo.spec.argv[2] = "mkfifo go; " + start.spec.argv[2];
  client_.send(with_fifo);
  EXPECT_EQ(client_.expect<wire::WardenOutput>(start.task).stdout_bytes, 4U);
  EXPECT_EQ(warden_.stdout_of(start.task), "one\n");
  client_.send(shell_start(warden_task(2), "echo > " + warden_.directory_of(start.task) + "/work/go"));
  EXPECT_EQ(client_.expect<wire::WardenOutput>(start.task).stdout_bytes, 8U);
  EXPECT_EQ(warden_.stdout_of(start.task), "one\ntwo\n");
}

TEST_F(WardenOutputs, ATaskThatReadsItsOwnOutputHangsNobody) {
  client_.send(
      shell_start(warden_task(1), "while :; do echo x; done & exec 3>&1; exec cat /proc/self/fd/3 > /dev/null"));
  client_.expect<wire::WardenStarted>(warden_task(1));
  client_.send(wire::WardenKill{warden_task(1), Outcome::cancelled});
  EXPECT_EQ(client_.expect<wire::WardenExited>(warden_task(1)).result.outcome, Outcome::cancelled);
}

TEST_F(WardenOutputs, WhatAKilledTaskHadWrittenIsKept) {
  const auto start = shell_start(warden_task(1), "echo before; exec sleep 1000");
  client_.send(start);
  client_.expect<wire::WardenOutput>(start.task);
  client_.send(wire::WardenKill{start.task, Outcome::cancelled});
  EXPECT_EQ(client_.expect<wire::WardenExited>(start.task).result.out.kept_bytes, 7U);
  EXPECT_EQ(warden_.stdout_of(start.task), "before\n");
}

// A file system of 1 MiB.
class SmallDisk {
 public:
  explicit SmallDisk(std::string path) : path_(std::move(path)) {
    mounted_ = ::mkdir(path_.c_str(), 0755) == 0 && ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

 private:
  std::string path_;
  bool mounted_ = false;
};

TEST(WardenOnAFullDisk, FailsATaskWhoseOutputIsLostAndRecoversWhenThereIsRoom) {
  const TempDir dir;
  const SmallDisk disk(dir / "disk");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs needs root";
  const WardenProcess warden(dir / "disk/state");
  WardenClient client = warden.connect();

  const auto filler = client.run(shell_start(warden_task(1), "head -c 3000000 /dev/zero"));
  EXPECT_EQ(filler.result.outcome, Outcome::exited);
  EXPECT_EQ(filler.result.code, 74) << "EX_IOERR: its result is not whole, so it must not count as one";
  EXPECT_EQ(filler.result.out.kept_bytes + filler.result.out.dropped_bytes, 3'000'000U);
  EXPECT_GT(filler.result.out.dropped_bytes, 1'900'000U);
  EXPECT_EQ(warden.stdout_of(warden_task(1)).size(), filler.result.out.kept_bytes);
  EXPECT_THAT(filler.result.text, HasSubstr("no space left on device"));

  const auto refused = client.run(command_start(warden_task(2), {"true"}));
  EXPECT_EQ(refused.result.outcome, Outcome::start_failed);
  EXPECT_THAT(refused.result.text, HasSubstr("no space left on device"));

  const auto state = client.hello();
  ASSERT_EQ(state.exited.size(), 2U);
  EXPECT_EQ(state.exited[0].result.out.kept_bytes, filler.result.out.kept_bytes);
  EXPECT_EQ(state.exited[1].result.outcome, Outcome::start_failed);

  client.send(wire::WardenForget{{warden_task(1), warden_task(2)}});
  EXPECT_EQ(client.run(command_start(warden_task(3), {"true"})).result.code, 0);
}

}  // namespace
}  // namespace bramble::test
