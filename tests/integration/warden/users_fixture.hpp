// A warden as it is installed: root, with tasks of one user and an agent of another. Needs root; the two users are ones
// that every Debian has.
#pragma once

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/warden/users.hpp"
#include "common/posix/files.hpp"
#include "fixture.hpp"

namespace bramble::test {

inline constexpr const char* kTaskUser = "nobody";
inline constexpr const char* kAgentUser = "daemon";

// Prints each thing that went through though it must not.
inline constexpr const char* kTrespass = R"(
import ctypes, os, socket, sys
key, sock, record, pids = sys.argv[1], sys.argv[2], sys.argv[3], [int(p) for p in sys.argv[4:]]
libc = ctypes.CDLL(None, use_errno=True)
def attempt(what, act):
    try: act()
    except OSError: return
    print(what)
def ptrace(pid):
    if libc.ptrace(16, pid, None, None) != 0: raise OSError(ctypes.get_errno(), 'ptrace')
attempt('read the key', lambda: open(key).read())
attempt('read a record', lambda: open(record).read())
attempt('connected', lambda: socket.socket(socket.AF_UNIX).connect(sock))
for pid in pids:
    attempt('signalled %d' % pid, lambda: os.kill(pid, 0))
    attempt('traced %d' % pid, lambda: ptrace(pid))
    attempt('read memory of %d' % pid, lambda: open('/proc/%d/mem' % pid, 'rb'))
    attempt('read environment of %d' % pid, lambda: open('/proc/%d/environ' % pid).read())
print('tried all')
)";
inline constexpr const char* kNoTrespass = "tried all\n";

class TwoUsersTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: tasks, agent and warden are three users here";
    task_ = warden::find_user(kTaskUser).value();
    agent_ = warden::find_user(kAgentUser).value();
    ::chmod(dir_.path().c_str(), 0711);
    start_warden({});
  }

  void start_warden(std::vector<std::string> more) {
    std::vector<std::string> args{"--user", kTaskUser, "--agent", kAgentUser};
    args.insert(args.end(), more.begin(), more.end());
    warden_.reset();
    warden_.emplace(dir_ / "state", 2, std::move(args));
    client_.emplace(warden_->connect());
  }

  // A file with this owner and mode.
  std::string file(const std::string& name, const warden::RunAs* owner, mode_t mode, const std::string& text = "text") {
    const std::string path = dir_ / name;
    if (!posix::write_file_atomically(path, text, {.mode = 0600})) throw std::runtime_error(path);
    if (owner != nullptr && ::chown(path.c_str(), owner->uid, owner->gid) != 0) throw std::runtime_error("chown");
    ::chmod(path.c_str(), mode);
    return path;
  }

  // What `body` returns as another user, in a process of its own.
  static int as_user(const warden::RunAs& user, const std::function<int()>& body) {
    return start_as(user, body).wait()->code;
  }
  static posix::Process start_as(const warden::RunAs& user, const std::function<int()>& body) {
    return posix::Process::fork_only([&user, &body] {
             const bool became = ::setgroups(user.groups.size(), user.groups.data()) == 0 && ::setgid(user.gid) == 0 &&
                                 ::setuid(user.uid) == 0;
             return became ? body() : 99;
           })
        .value();
  }

  std::string output_of(const wire::WardenStart& start) {
    client_->run(start);
    return warden_->stdout_of(start.task) + warden_->stderr_of(start.task);
  }

  // A task that tries what no task may do to the agent, whose pid this is, and to the warden.
  wire::WardenStart trespass(const wire::WardenTask& task, pid_t agent) {
    return command_start(
        task, {"python3", "-c", kTrespass, file("agent.key", &agent_, 0600), dir_ / "state/warden.sock",
               warden_->directory_of(task) + "/start.json", std::to_string(warden_->pid()), std::to_string(agent)});
  }

  TempDir dir_;
  warden::RunAs task_;
  warden::RunAs agent_;
  std::optional<WardenProcess> warden_;
  std::optional<WardenClient> client_;
};

}  // namespace bramble::test
