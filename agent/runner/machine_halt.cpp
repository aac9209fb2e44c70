#include "agent/runner/machine_halt.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "common/posix/files.hpp"

namespace bramble::runner {
namespace {

std::string word_of(wire::ControlAction action) {
  return action == wire::ControlAction::shutdown ? "poweroff" : "reboot";
}

std::string how_it_ended(const posix::ExitStatus& status) {
  if (status.signal != 0) return "was ended by signal " + std::to_string(status.signal);
  return "ended with status " + std::to_string(status.code);
}

bool is_directory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

MachineHalt::MachineHalt(posix::EventLoop& loop, HaltOptions options, Failed failed)
    : loop_(loop), options_(std::move(options)), failed_(std::move(failed)) {}

// Who takes a request removes it before the machine stops this process: one that lies there still was not taken.
MachineHalt::~MachineHalt() {
  if (timer_) withdraw();
  forget_timer();
  if (child_) child_->forget_exit(loop_);
}

void MachineHalt::start() { withdraw(); }

void MachineHalt::ask(wire::ControlAction action) {
  const std::string word = word_of(action);
  const Status asked = options_.command.empty() ? write_request(word) : run_command(word);
  if (!asked) failed_(asked.error().message);
}

Status MachineHalt::write_request(const std::string& word) {
  if (options_.request_file.empty()) {
    return fail("halt_request is empty in agent.toml, and there is no halt_command");
  }
  const std::string directory = std::filesystem::path(options_.request_file).parent_path();
  if (!is_directory(directory)) {
    return fail(ErrorCode::not_found, "there is no directory " + directory +
                                          " for the request: run the agent as the unit bramble-agent, which makes it, "
                                          "or set halt_request or halt_command in agent.toml");
  }
  if (Status written = posix::write_file_atomically(options_.request_file, word + "\n"); !written) return written;
  forget_timer();
  timer_ = loop_.call_after(options_.taken_within_ms, [this] {
    timer_.reset();
    look_whether_taken();
  });
  return {};
}

Status MachineHalt::run_command(const std::string& word) {
  if (child_) return fail(options_.command + " of the last time still runs");
  posix::SpawnOptions spawn;
  spawn.argv = {options_.command, word};
  Result<posix::Process> child = posix::Process::spawn(spawn);
  if (!child) return in_context("halt_command", child.error());
  child_.emplace(std::move(*child));
  child_->on_exit(loop_, [this](posix::ExitStatus status) {
    child_.reset();
    if (!status.success()) failed_("halt_command " + options_.command + " " + how_it_ended(status));
  });
  return {};
}

bool MachineHalt::withdraw() { return !options_.request_file.empty() && ::unlink(options_.request_file.c_str()) == 0; }

// Left where it is, it would halt the machine at the moment that a person repairs what should have taken it.
void MachineHalt::look_whether_taken() {
  if (!withdraw()) return;
  failed_("nobody took the request " + options_.request_file + " within " +
          std::to_string(options_.taken_within_ms / 1000) +
          " s, and it is withdrawn: systemctl enable --now bramble-halt.path");
}

void MachineHalt::forget_timer() {
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
}

}  // namespace bramble::runner
