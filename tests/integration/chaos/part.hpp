// A daemon of the chaos cluster: a process that the harness starts, breaks and starts again. Start it always from the
// same thread: it dies with it.
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

namespace bramble::test::chaos {

class Part {
 public:
  Part(std::string name, std::string log, std::vector<std::string> argv, std::vector<std::string> more_env = {})
      : name_(std::move(name)), log_(std::move(log)), argv_(std::move(argv)), more_env_(std::move(more_env)) {}
  ~Part() { kill(); }
  Part(Part&&) = default;
  Part& operator=(Part&&) = delete;

  void start() {
    if (process_) return;
    const posix::UniqueFd log(::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    posix::SpawnOptions options;
    options.argv = argv_;
    options.env = environment();
    options.stdout_fd = log.get();
    options.stderr_fd = log.get();
    options.die_with_parent = true;
    auto process = posix::Process::spawn(options);
    if (!process) throw std::runtime_error(process.error().message);
    process_ = std::move(*process);
  }
  void kill() {
    if (process_) process_->kill_and_wait();
    process_.reset();
  }
  posix::ExitStatus end() {  // SIGTERM first
    process_->kill(SIGTERM);
    auto status = process_->wait(30'000);
    if (!status) status = process_->kill_and_wait();
    process_.reset();
    return *status;
  }
  void signal(int number) {
    if (process_) process_->kill(number);
  }

  bool runs() const { return process_.has_value(); }

  // How it ended, once, if it ended by itself.
  std::optional<posix::ExitStatus> own_end() {
    auto status = process_ ? process_->try_wait() : std::nullopt;
    if (status) process_.reset();
    return status;
  }

  const std::string& name() const { return name_; }

 private:
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

}  // namespace bramble::test::chaos
