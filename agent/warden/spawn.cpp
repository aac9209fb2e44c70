#include "agent/warden/spawn.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "common/posix/error.hpp"

namespace bramble::warden {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::string_view kTaskOomScore = "500";  // tasks go before any daemon when memory runs out

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& text : strings) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

}  // namespace

// Everything the child needs, made beforehand: it shares this process' memory and must not allocate.
struct ChildPlan {
  const SpawnRequest& request;
  std::vector<char*> argv;
  std::vector<char*> env;
  std::vector<char*> candidates;
  pid_t keeper;
  SpawnFailure* failure;
  bool joins_cgroup;  // itself, for it was not born there
};

namespace {

[[noreturn]] void give_up(const ChildPlan& plan, SpawnFailure::Step step, int error) {
  plan.failure->error = error;
  plan.failure->step = step;
  ::_exit(127);
}

void raise_oom_score() {
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const auto written = ::write(fd, kTaskOomScore.data(), kTaskOomScore.size());
  ::close(fd);
}

bool become(const RunAs& user) {
  return ::setgroups(user.groups.size(), user.groups.data()) == 0 && ::setgid(user.gid) == 0 && ::setuid(user.uid) == 0;
}

// Like execvpe, with the PATH of the task: one that may not be run does not hide a good one further on.
int try_candidates(const ChildPlan& plan) {
  int error = ENOENT;
  for (size_t i = 0; i + 1 < plan.candidates.size(); ++i) {
    ::execve(plan.candidates[i], plan.argv.data(), plan.env.data());
    if (errno == EACCES) error = EACCES;
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) return errno;
  }
  return error;
}

[[noreturn]] void run_child(const ChildPlan& plan) {
  const SpawnRequest& request = plan.request;
  if (plan.joins_cgroup && ::write(request.cgroup->procs_fd(), "0", 1) != 1) {
    give_up(plan, SpawnFailure::cgroup, errno);
  }
  raise_oom_score();
  if (::setsid() < 0) give_up(plan, SpawnFailure::session, errno);
  if (request.run_as != nullptr && !become(*request.run_as)) give_up(plan, SpawnFailure::user, errno);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // after the change of user, which clears it
  if (::getppid() != plan.keeper) ::_exit(127);
  if (::chdir(request.directory.c_str()) != 0) give_up(plan, SpawnFailure::directory, errno);
  const bool moved = ::dup2(request.stdin_fd, STDIN_FILENO) >= 0 && ::dup2(request.stdout_fd, STDOUT_FILENO) >= 0 &&
                     ::dup2(request.stderr_fd, STDERR_FILENO) >= 0;
  if (!moved) give_up(plan, SpawnFailure::descriptors, errno);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  give_up(plan, SpawnFailure::exec, try_candidates(plan));
}

std::string_view value_of(const std::vector<std::string>& env, std::string_view name) {
  for (const std::string& each : env) {
    const std::string_view text = each;
    if (text.starts_with(name) && text.substr(name.size()).starts_with('=')) return text.substr(name.size() + 1);
  }
  return {};
}

// A path is taken from the task's directory on.
bool is_there(const std::vector<std::string>& paths, const std::vector<std::string>& env) {
  const std::string directory(value_of(env, "PWD"));
  return std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
    return ::access((path.starts_with('/') ? path : directory + "/" + path).c_str(), F_OK) == 0;
  });
}

FailureText describe_exec(int error, const std::string& command, const std::vector<std::string>& env) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      if (!is_there(candidate_paths(command, env), env)) return {127, "command not found on this node: " + command};
      return {126, command + " cannot run on this node: the interpreter that it names does not exist here"};
    case EACCES:
      return {126, command + " may not be run on this node: permission denied (is it executable?)"};
    case ENOEXEC:
      return {
          126,
          command + " is no program for this node: another machine's, or a script without a first line like #!/bin/sh"};
    case E2BIG:
      return {126,
              "the command line and the environment are longer than this node allows: pass data by standard input"};
    default:
      return {126, "cannot run " + command + ": " + posix::errno_text(error)};
  }
}

}  // namespace

// The sanitizers' memory does not outlive a fork that they did not see.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
Spawner::Spawner() : born_into_cgroups_(false) {
#else
Spawner::Spawner() : born_into_cgroups_(true) {
#endif
  void* shared = ::mmap(nullptr, sizeof(SpawnFailure), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    std::perror("mmap");
    std::abort();
  }
  failure_ = new (shared) SpawnFailure;
}

Result<pid_t> Spawner::spawn(const SpawnRequest& request) {
  *failure_ = {};
  const std::vector<std::string> candidates = candidate_paths(request.argv->front(), *request.env);
  ChildPlan plan{request, pointers(*request.argv), pointers(*request.env), pointers(candidates), ::getpid(), failure_,
                 false};
  const bool born_inside = born_into_cgroups_ && request.cgroup != nullptr && request.cgroup->takes_births();
  pid_t pid = born_inside ? start_in_cgroup(plan) : -1;
  plan.joins_cgroup = request.cgroup != nullptr;
  if (pid < 0) pid = start_child(plan);
  if (pid < 0) return posix::system_failure("cannot start a process", errno);
  return pid;
}

// vfork: the child runs in this process' memory until it has become the command; nothing is copied.
pid_t Spawner::start_child(const ChildPlan& plan) {
  const pid_t pid = ::vfork();
  if (pid == 0) run_child(plan);
  return pid;
}

// Moving a process from group to group can take the kernel milliseconds (a grace period of RCU); one that is born into
// its group does not. The library has no call for it, so the memory is copied: a vfork in C would lose its way back.
pid_t Spawner::start_in_cgroup(const ChildPlan& plan) {
  clone_args args{};
  args.flags = CLONE_VFORK | CLONE_INTO_CGROUP;
  args.exit_signal = SIGCHLD;
  args.cgroup = static_cast<uint64_t>(plan.request.cgroup->directory_fd());
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  if (pid == 0) run_child(plan);
  if (pid < 0 && errno != EAGAIN && errno != ENOMEM) born_into_cgroups_ = false;
  return pid;
}

FailureText describe(const SpawnFailure& failure, const std::vector<std::string>& argv,
                     const std::vector<std::string>& env) {
  const std::string reason = ": " + posix::errno_text(failure.error);
  switch (failure.step) {
    case SpawnFailure::exec:
      return describe_exec(failure.error, argv.front(), env);
    case SpawnFailure::cgroup:
      return {126, "cannot enter the task's control group" + reason};
    case SpawnFailure::user:
      return {126, "cannot become the tasks' user" + reason};
    case SpawnFailure::directory:
      return {126, "cannot enter the working directory" + reason};
    default:
      return {126, "cannot set up the process" + reason};
  }
}

std::vector<std::string> candidate_paths(const std::string& command, const std::vector<std::string>& env) {
  if (command.find('/') != std::string::npos) return {command};
  std::vector<std::string> paths;
  std::string_view rest = value_of(env, "PATH");
  while (!rest.empty()) {
    const std::string_view directory = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(directory.size() + 1, rest.size()));
    if (!directory.empty()) paths.push_back(std::string(directory) + "/" + command);
  }
  return paths;
}

std::vector<std::string> task_environment(const std::vector<std::pair<std::string, std::string>>& given,
                                          const std::string& directory, const std::string& programs) {
  std::vector<std::string> env;
  env.reserve(given.size() + 4);
  for (const auto& [name, value] : given) {
    if (name != "PWD") env.push_back(name + "=" + value);
  }
  const auto add_if_absent = [&](std::string_view name, std::string_view value) {
    const bool there = std::any_of(given.begin(), given.end(), [&](const auto& each) { return each.first == name; });
    if (!there) env.push_back(std::string(name) + "=" + std::string(value));
  };
  add_if_absent("HOME", directory);
  add_if_absent("TMPDIR", directory);
  add_if_absent("PATH", kDefaultPath);
  env.push_back("PWD=" + directory);
  for (std::string& entry : env) {
    if (entry.starts_with("PATH=") && !programs.empty()) entry += ":" + programs;
  }
  return env;
}

}  // namespace bramble::warden
