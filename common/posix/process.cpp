#include "common/posix/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#include "common/posix/error.hpp"

namespace bramble::posix {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& text : strings) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

// What the child needs, made before the fork: afterwards only calls that are safe with other threads gone.
struct ChildPlan {
  const SpawnOptions& options;
  std::vector<char*> argv;
  std::vector<char*> env;
  pid_t parent;
  int error_fd;  // close-on-exec: it closes without a word when the program starts
};

[[noreturn]] void give_up(int error_fd) {
  const int error = errno;
  [[maybe_unused]] const auto written = ::write(error_fd, &error, sizeof error);
  ::_exit(127);
}

// Even where `fd` has the right number already, its close-on-exec flag must go.
bool move_to(int fd, int target) {
  if (fd < 0) return true;
  return fd == target ? ::fcntl(fd, F_SETFD, 0) == 0 : ::dup2(fd, target) >= 0;
}

[[noreturn]] void run_child(const ChildPlan& plan) {
  const SpawnOptions& options = plan.options;
  if (options.die_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, options.death_signal);
    if (::getppid() != plan.parent) ::_exit(127);
  }
  if (options.own_group) ::setpgid(0, 0);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int input = options.stdin_fd >= 0 ? options.stdin_fd : ::open("/dev/null", O_RDONLY);
  const bool ready = input >= 0 && move_to(input, STDIN_FILENO) && move_to(options.stdout_fd, STDOUT_FILENO) &&
                     move_to(options.stderr_fd, STDERR_FILENO);
  if (!ready) give_up(plan.error_fd);
  if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) give_up(plan.error_fd);
  if (options.env) ::environ = const_cast<char**>(plan.env.data());
  ::execvp(plan.argv[0], plan.argv.data());
  give_up(plan.error_fd);
}

}  // namespace

ExitStatus exit_status_of(int wait_status) {
  if (WIFSIGNALED(wait_status)) return {0, WTERMSIG(wait_status)};
  return {WEXITSTATUS(wait_status), 0};
}

Result<Process> Process::spawn(const SpawnOptions& options) {
  if (options.argv.empty()) return fail("no command given");
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_failure("cannot make a pipe", errno);
  const UniqueFd error_in(ends[0]);
  UniqueFd error_out(ends[1]);
  const ChildPlan plan{options, pointers(options.argv), options.env ? pointers(*options.env) : std::vector<char*>{},
                       ::getpid(), error_out.get()};
  const pid_t pid = ::fork();
  if (pid < 0) return system_failure("cannot start a process", errno);
  if (pid == 0) run_child(plan);
  error_out.reset();
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(error_in.get(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  if (got == sizeof error) {
    ::waitpid(pid, nullptr, 0);
    return system_failure("cannot start " + options.argv[0], error);
  }
  return watch(pid);
}

Result<Process> Process::fork_only(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid < 0) return system_failure("cannot start a process", errno);
  if (pid == 0) ::_exit(body());
  return watch(pid);
}

Result<Process> Process::watch(pid_t pid) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    const int pidfd_error = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return system_failure("cannot watch a process (Linux 5.3 or newer is needed)", pidfd_error);
  }
  return Process(pid, std::move(pidfd));
}

std::optional<ExitStatus> Process::try_wait() { return wait(0); }

std::optional<ExitStatus> Process::wait(int timeout_ms) {
  if (status_) return status_;
  pollfd ended{pidfd_.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = ::poll(&ended, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) return std::nullopt;
  int wait_status = 0;
  // Ended, and waited for by somebody else: how is not known any more.
  status_ = ::waitpid(pid_, &wait_status, 0) == pid_ ? exit_status_of(wait_status) : ExitStatus{255, 0};
  return status_;
}

void Process::kill(int signal) {
  if (!status_) ::kill(pid_, signal);
}

ExitStatus Process::kill_and_wait() {
  kill(SIGKILL);
  return wait().value_or(ExitStatus{0, SIGKILL});
}

void Process::on_exit(EventLoop& loop, std::function<void(ExitStatus)> handler) {
  loop.add_fd(pidfd_.get(), EPOLLIN, [this, &loop, handler = std::move(handler)](uint32_t) {
    const auto status = try_wait();
    if (!status) return;
    loop.remove_fd(pidfd_.get());
    handler(*status);
  });
}

}  // namespace bramble::posix
