// A real bramble-warden for a test, and the agent's end of its socket. Every wait has a limit and throws
// std::runtime_error, with what came meanwhile, when it is over.
#pragma once

#include <sys/types.h>

#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/posix/process.hpp"
#include "common/posix/unique_fd.hpp"
#include "common/wire/frame.hpp"
#include "common/wire/warden_messages.hpp"

namespace bramble::test {

inline constexpr int kWaitLimitMs = 30'000;

// A task's name with the store that all tests use.
wire::WardenTask warden_task(JobId job, TaskIndex task = 0, uint32_t attempt = 1);

// Start of `sh -c script`.
wire::WardenStart shell_start(const wire::WardenTask& task, const std::string& script);
wire::WardenStart command_start(const wire::WardenTask& task, std::vector<std::string> argv);

class WardenClient {
 public:
  explicit WardenClient(const std::string& socket_path);  // waits until somebody listens

  void send(const wire::WardenRequest& request);
  void send_bytes(std::string_view bytes);  // as they are, without a frame

  wire::WardenReport next();
  wire::WardenState hello();  // all pages in one

  // The next report of this type, for this task if it names one. Others stay for later calls.
  template <typename Report>
  Report expect(const std::optional<wire::WardenTask>& task = std::nullopt);

  wire::WardenExited run(const wire::WardenStart& start) {
    send(start);
    return expect<wire::WardenExited>(start.task);
  }
  void expect_closed();

 private:
  bool read_more();  // false: closed

  posix::UniqueFd socket_;
  wire::FrameReader reader_{wire::kMaxWardenFrameBytes};
  std::deque<wire::WardenReport> kept_;
};

// The process. Killed with the test's thread; its state directory is the caller's.
class WardenProcess {
 public:
  explicit WardenProcess(std::string state, uint32_t slots = 2, std::vector<std::string> more_args = {},
                         std::vector<std::string> wrapper = {});
  ~WardenProcess();
  WardenProcess(const WardenProcess&) = delete;
  WardenProcess& operator=(const WardenProcess&) = delete;

  void start();                      // again
  void kill();                       // SIGKILL
  posix::ExitStatus stop();          // SIGTERM
  posix::ExitStatus wait_for_end();  // by itself
  pid_t pid() const { return process_->pid(); }

  WardenClient connect() const { return WardenClient(state_ + "/warden.sock"); }
  std::string directory_of(const wire::WardenTask& task) const;
  std::string stdout_of(const wire::WardenTask& task) const;  // empty if there is none
  std::string stderr_of(const wire::WardenTask& task) const;
  std::string log() const;

 private:
  std::string state_;
  uint32_t slots_;
  std::vector<std::string> more_args_;
  std::vector<std::string> wrapper_;  // a command that becomes the one behind it
  std::optional<posix::Process> process_;
};

// Waits until the process is gone or a zombie.
void wait_until_dead(pid_t pid);
bool is_alive(pid_t pid);

template <typename Report>
Report WardenClient::expect(const std::optional<wire::WardenTask>& task) {
  const auto fits = [&](const wire::WardenReport& report) {
    const auto* candidate = std::get_if<Report>(&report);
    if (candidate == nullptr) return false;
    if constexpr (requires { candidate->task; }) return !task || candidate->task == *task;
    return true;
  };
  while (true) {
    for (auto each = kept_.begin(); each != kept_.end(); ++each) {
      if (!fits(*each)) continue;
      Report found = std::get<Report>(std::move(*each));
      kept_.erase(each);
      return found;
    }
    if (!read_more()) throw std::runtime_error("the warden closed the connection");
  }
}

}  // namespace bramble::test
