#include "common/posix/system_clock.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>

#include "common/posix/process.hpp"

namespace bramble::posix {
namespace {

// As ProtectClock= of systemd does.
bool forbid_asking_for_the_clock() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_adjtimex, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clock_adjtime, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{static_cast<unsigned short>(std::size(code)), code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST(SystemClock, IsNotTakenForRightBecauseTheQuestionIsForbidden) {
  if (std::filesystem::exists("/run/systemd/timesync/synchronized"))
    GTEST_SKIP() << "systemd-timesyncd says it is right";
  constexpr int kNoFilters = 2;
  auto child = Process::fork_only([] {
    if (!forbid_asking_for_the_clock()) return kNoFilters;
    return is_clock_synchronised() ? 1 : 0;
  });
  ASSERT_TRUE(child) << child.error().message;
  const auto status = child->wait(30'000);
  ASSERT_TRUE(status);
  if (status->code == kNoFilters) GTEST_SKIP() << "this machine lets nobody filter system calls";
  EXPECT_EQ(*status, ExitStatus{});
}

}  // namespace
}  // namespace bramble::posix
