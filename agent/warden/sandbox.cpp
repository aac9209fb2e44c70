#include "agent/warden/sandbox.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "common/posix/error.hpp"
#include "common/posix/files.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::warden {
namespace {

constexpr int64_t kTrialMs = 10'000;
constexpr size_t kMaxTrialBytes = 4096;
constexpr uint64_t kTmpBytes = uint64_t{256} << 20;  // of /tmp and of /dev/shm, where the task has no memory limit
constexpr int kMaxSignal = 31;

std::string find_bwrap() {
  for (const char* path : {"/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"}) {
    if (::access(path, X_OK) == 0) return path;
  }
  return {};
}

class CommandLine {
 public:
  explicit CommandLine(std::string command) : words_{std::move(command)} {}
  template <typename... Words>
  CommandLine& add(Words... words) {
    (words_.emplace_back(words), ...);
    return *this;
  }
  // An empty directory of its own in the place of what is there.
  CommandLine& hide(const std::string& path) { return add("--tmpfs", path); }
  CommandLine& scratch(const std::string& path, uint64_t max_bytes) {
    return add("--size", std::to_string(max_bytes), "--tmpfs", path);
  }
  std::vector<std::string> take() { return std::move(words_); }

 private:
  std::vector<std::string> words_;
};

// What it says on both streams until it closes them, or time is up.
std::string read_all(int fd, MonoTime until) {
  std::string said;
  std::array<char, 512> buffer{};
  while (said.size() < kMaxTrialBytes) {
    pollfd ready{fd, POLLIN, 0};
    const int64_t left_ms = until - posix::mono_now();
    if (left_ms <= 0 || ::poll(&ready, 1, static_cast<int>(left_ms)) == 0) break;
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    said.append(buffer.data(), static_cast<size_t>(got));
  }
  return said;
}

// bubblewrap's own words, and what to do where they do not say it.
std::string complaint_of(const std::string& said) {
  const std::string line = said.substr(0, said.find('\n'));
  if (line.find("mount proc") == std::string::npos) return line;
  return line +
         " (a part of /proc is hidden from bramble-warden: by a container, or by its unit with ProtectKernelLogs= or "
         "such)";
}

// Empty: it ended well.
std::string run_trial(const std::vector<std::string>& argv, const std::string& directory, const RunAs* run_as) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return "cannot make a pipe: " + posix::errno_text(errno);
  const posix::UniqueFd read_end(ends[0]);
  posix::UniqueFd write_end(ends[1]);
  const posix::UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::vector<std::string> env{"PATH=/usr/bin:/bin"};
  Spawner spawner;
  const auto pid =
      spawner.spawn({&argv, &env, directory, nothing.get(), write_end.get(), write_end.get(), run_as, nullptr});
  if (!pid) return pid.error().message;
  write_end.reset();
  const MonoTime until = posix::mono_now() + kTrialMs;
  const std::string said = read_all(read_end.get(), until);
  const bool in_time = posix::mono_now() < until;
  if (!in_time) ::kill(*pid, SIGKILL);
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) return "bubblewrap did not end within 10 s";
  if (spawner.failure().step != SpawnFailure::none) return describe(spawner.failure(), argv, env).text;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return said.empty() ? "bubblewrap failed and did not say why" : complaint_of(said);
}

}  // namespace

Sandbox try_sandbox(const std::string& bwrap, const std::string& state, const RunAs* run_as) {
  Sandbox sandbox;
  sandbox.bwrap = bwrap.empty() ? find_bwrap() : bwrap;
  if (run_as == nullptr && ::geteuid() == 0) {
    sandbox.why_not = "tasks run as root here: start bramble-warden with --user";
    return sandbox;
  }
  if (sandbox.bwrap.empty() || ::access(sandbox.bwrap.c_str(), X_OK) != 0) {
    sandbox.why_not = "bubblewrap is not installed";
    return sandbox;
  }
  const std::string work = state + "/sandbox-trial";
  static_cast<void>(posix::remove_tree(work));
  const bool made =
      ::mkdir(work.c_str(), 0700) == 0 && (run_as == nullptr || ::chown(work.c_str(), run_as->uid, run_as->gid) == 0);
  if (!made) {
    sandbox.why_not = "cannot make " + work + ": " + posix::errno_text(errno);
    return sandbox;
  }
  wire::TaskSpec spec;
  spec.argv = {sandbox.bwrap, "--version"};
  sandbox.why_not = run_trial(sandbox_argv(sandbox.bwrap, state, work, spec), work, run_as);
  static_cast<void>(posix::remove_tree(work));
  return sandbox;
}

std::vector<std::string> sandbox_argv(const std::string& bwrap, const std::string& state, const std::string& work,
                                      const wire::TaskSpec& spec) {
  const uint64_t scratch_bytes = spec.memory_bytes > 0 ? spec.memory_bytes : kTmpBytes;
  CommandLine line(bwrap);
  line.add("--die-with-parent", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts");
  line.add("--unshare-cgroup-try", "--cap-drop", "ALL");
  if (!spec.network) line.add("--unshare-net");
  line.add("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev").scratch("/dev/shm", scratch_bytes);
  line.add("--remount-ro", "/dev").scratch("/tmp", scratch_bytes);
  // Sockets of daemons, also this cluster's own, by which a task could have work done outside.
  line.hide("/run");
  if (spec.network) {  // where resolv.conf points to
    for (const char* path : {"/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/resolv.conf"}) {
      line.add("--ro-bind-try", path, path);
    }
  }
  line.add("--remount-ro", "/run");
  line.hide(state).add("--bind", work, work, "--remount-ro", state);
  line.add("--chdir", work, "--");
  for (const std::string& word : spec.argv) line.add(word);
  return line.take();
}

std::optional<FailureText> missing_command(const std::vector<std::string>& argv, const std::vector<std::string>& env,
                                           const std::string& work) {
  int error = ENOENT;
  for (const std::string& candidate : candidate_paths(argv.front(), env)) {
    const std::string path = candidate.starts_with('/') ? candidate : work + "/" + candidate;
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) continue;
    if (S_ISREG(info.st_mode) && (info.st_mode & 0111) != 0) return std::nullopt;
    error = EACCES;
  }
  return describe({SpawnFailure::exec, error}, argv, env);
}

posix::ExitStatus end_inside(posix::ExitStatus outside) {
  const int signal = outside.code - 128;
  if (outside.signal != 0 || signal < 1 || signal > kMaxSignal) return outside;
  return {0, signal};
}

}  // namespace bramble::warden
