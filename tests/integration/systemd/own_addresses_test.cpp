// An aggregator whose sandbox has no netlink, as one without network, cannot tell nodes where it is: it says so.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "aggregator/joining.hpp"
#include "common/posix/files.hpp"
#include "common/posix/process.hpp"
#include "support/temp_dir.hpp"

namespace bramble::test {
namespace {

constexpr int kNoFilters = 2;

// As RestrictAddressFamilies= of systemd does.
bool forbid_netlink() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{static_cast<unsigned short>(std::size(code)), code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// What it says, in a process that has no netlink; "skip" where there are no filters.
std::string said_without_netlink(const aggregator::DaemonConfig& config) {
  const TempDir dir;
  auto child = posix::Process::fork_only([&] {
    const int log = ::open((dir / "log").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (log < 0 || ::dup2(log, STDERR_FILENO) < 0) return 1;
    if (!forbid_netlink()) return kNoFilters;
    return aggregator::node_broker_url(config).empty() ? 1 : 0;
  });
  if (!child) throw std::runtime_error(child.error().message);
  const auto status = child->wait(30'000);
  if (!status) throw std::runtime_error("it does not end");
  if (status->code == kNoFilters) return "skip";
  EXPECT_EQ(*status, posix::ExitStatus{});
  return posix::read_file(dir / "log", 1 << 16).value_or("");
}

aggregator::DaemonConfig config_for_every_address() {
  aggregator::DaemonConfig config;
  config.node_listen = "0.0.0.0:8883";
  return config;
}

TEST(OwnAddresses, AHeadThatKnowsNoneOfItsOwnSaysWhatToDo) {
  const std::string said = said_without_netlink(config_for_every_address());
  if (said == "skip") GTEST_SKIP() << "this machine lets nobody filter system calls";
  EXPECT_NE(said.find("set host_names or node_broker_url"), std::string::npos) << said;
}

TEST(OwnAddresses, OneWhoseNamesAreConfiguredNeedsNone) {
  aggregator::DaemonConfig config = config_for_every_address();
  config.host_names = {"head.example.org"};
  const std::string said = said_without_netlink(config);
  if (said == "skip") GTEST_SKIP() << "this machine lets nobody filter system calls";
  EXPECT_EQ(said, "");
}

}  // namespace
}  // namespace bramble::test
