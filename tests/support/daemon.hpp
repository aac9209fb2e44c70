// A daemon that a test starts, breaks and starts again; its output is appended to a log. Start it always from the same
// thread: it dies with it. A terminal's Ctrl-C does not reach it.
#pragma once

#include <fcntl.h>

#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/posix/process.hpp"
#include "common/posix/unique_fd.hpp"

extern char** environ;

namespace bramble::test {

class Daemon {
 public:
  Daemon(std::string name, std::string log, std::vector<std::string> argv, std::vector<std::string> more_env = {})
      : name_(std::move(name)), log_(std::move(log)), argv_(std::move(argv)), more_env_(std::move(more_env)) {}
  ~Daemon() { kill(); }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  void start() {
    if (process_) return;
    const posix::UniqueFd log(::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    posix::SpawnOptions options;
    options.argv = argv_;
    options.env = environment();
    options.stdout_fd = log.get();
    options.stderr_fd = log.get();
    options.die_with_parent = true;
    options.own_group = true;
    auto process = posix::Process::spawn(options);
    if (!process) throw std::runtime_error(process.error().message);
    process_ = std::move(*process);
  }
  void kill() {
    if (process_) process_->kill_and_wait();
    process_.reset();
  }
  void signal(int number) {
    if (process_) process_->kill(number);
  }
  // Of one that runs. Nothing: it did not end in time, and still runs.
  std::optional<posix::ExitStatus> wait_for_end(int limit_ms = kEndLimitMs) {
    const auto status = process_->wait(limit_ms);
    if (status) process_.reset();
    return status;
  }
  void end() {  // SIGTERM first
    signal(SIGTERM);
    if (!wait_for_end()) kill();
  }

  bool runs() const { return process_.has_value(); }
  pid_t pid() const { return process_->pid(); }  // of one that runs

  // How it ended, once, if it ended by itself.
  std::optional<posix::ExitStatus> own_end() {
    auto status = process_ ? process_->try_wait() : std::nullopt;
    if (status) process_.reset();
    return status;
  }

  const std::string& name() const { return name_; }
  const std::string& log() const { return log_; }  // the file's path

 private:
  static constexpr int kEndLimitMs = 30'000;

  // More variables go in front: the first of a name counts.
  std::vector<std::string> environment() const {
    std::vector<std::string> all = more_env_;
    for (char** at = environ; *at; ++at) all.emplace_back(*at);
    return all;
  }

  const std::string name_;
  const std::string log_;
  const std::vector<std::string> argv_;
  const std::vector<std::string> more_env_;
  std::optional<posix::Process> process_;
};

}  // namespace bramble::test
