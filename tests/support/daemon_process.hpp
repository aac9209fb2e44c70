// A real daemon for a test: an agent or an aggregator with its own configuration. Killed with the test's thread.
#pragma once

#include <fcntl.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "common/posix/files.hpp"
#include "common/posix/process.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::test {

class DaemonProcess {
 public:
  // dir: for its configuration and log; made if it is missing.
  DaemonProcess(std::string program, std::string dir, const std::string& config)
      : program_(std::move(program)), dir_(std::move(dir)) {
    std::filesystem::create_directories(dir_);
    const Status written = posix::write_file_atomically(dir_ + "/config.toml", config);
    if (!written) throw std::runtime_error(written.error().message);
  }
  ~DaemonProcess() {
    if (process_) process_->kill_and_wait();
  }
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  void start() {
    const posix::UniqueFd log(::open((dir_ + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    posix::SpawnOptions options;
    options.argv = {program_, "--config", dir_ + "/config.toml"};
    options.stdout_fd = log.get();
    options.stderr_fd = log.get();
    options.die_with_parent = true;
    auto process = posix::Process::spawn(options);
    if (!process) throw std::runtime_error(process.error().message);
    process_ = std::move(*process);
  }
  void kill() {
    process_->kill_and_wait();
    process_.reset();
  }
  posix::ExitStatus stop() {
    process_->kill(SIGTERM);
    return wait_for_end();
  }
  posix::ExitStatus wait_for_end() {
    const auto status = process_->wait(30'000);
    if (!status) throw std::runtime_error(program_ + " does not end: " + log());
    process_.reset();
    return *status;
  }

  std::string log() const { return posix::read_file(dir_ + "/log", 16 << 20).value_or(""); }

  size_t times_logged(const std::string& text) const {
    const std::string whole = log();
    size_t times = 0;
    for (size_t at = whole.find(text); at != std::string::npos; at = whole.find(text, at + 1)) ++times;
    return times;
  }
  void wait_logged(const std::string& text, size_t times = 1) const {
    for (int i = 0; i < 3000; ++i) {
      if (times_logged(text) >= times) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));  // a file tells nobody that it grew
    }
    throw std::runtime_error("not logged: " + text + "; but: " + log());
  }

  pid_t pid() const { return process_->pid(); }

  // The most memory that it ever held.
  size_t peak_memory_bytes() const {
    const std::string status =
        posix::read_file("/proc/" + std::to_string(process_->pid()) + "/status", 1 << 20).value_or("");
    const size_t at = status.find("VmHWM:");
    return at == std::string::npos ? 0 : std::stoul(status.substr(at + 6)) * 1024;
  }

 private:
  const std::string program_;
  const std::string dir_;
  std::optional<posix::Process> process_;
};

}  // namespace bramble::test
