// bramble-warden: wiring only.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "agent/warden/options.hpp"
#include "agent/warden/warden.hpp"
#include "common/posix/files.hpp"

namespace {

using bramble::Status;

// What whoever started us left behind must reach no task: open descriptors, ignored or blocked signals, a umask.
void clean_process() {
  while (true) {
    const int fd = ::open("/dev/null", O_RDWR);
    if (fd < 0) break;
    if (fd > STDERR_FILENO) {
      ::close(fd);
      break;
    }
  }
  if (const auto names = bramble::posix::list_directory("/proc/self/fd")) {
    for (const std::string& name : *names) {
      const int fd = std::atoi(name.c_str());
      if (fd > STDERR_FILENO) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
  }
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(022);
}

// Where memory runs out the tasks go first. Only root may do this; without it the tasks' own raised score must do.
void lower_oom_score() {
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const auto written = ::write(fd, "-900", 4);
  ::close(fd);
}

int complain(const bramble::Error& error, int status) {
  std::fprintf(stderr, "bramble-warden: %s\n", error.message.c_str());
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = bramble::warden::parse_options(argc, argv);
  if (!options) return complain(options.error(), 2);
  if (!*options) return 0;
  clean_process();
  lower_oom_score();
  bramble::warden::Warden warden(**options);
  if (const Status ready = warden.set_up(); !ready) return complain(ready.error(), 1);
  if (const Status ran = warden.run(); !ran) return complain(ran.error(), 1);
  return 0;
}
