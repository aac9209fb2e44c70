// A daemon with its own configuration, as tests of an agent or an aggregator want it: its log can be read and awaited.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "common/posix/files.hpp"
#include "support/daemon.hpp"

namespace bramble::test {

class DaemonProcess {
 public:
  // dir: for its configuration and log; made if it is missing.
  DaemonProcess(const std::string& program, const std::string& dir, const std::string& config)
      : daemon_(program, dir + "/log", {program, "--config", dir + "/config.toml"}) {
    std::filesystem::create_directories(dir);
    const Status written = posix::write_file_atomically(dir + "/config.toml", config);
    if (!written) throw std::runtime_error(written.error().message);
  }

  void start() { daemon_.start(); }
  void kill() { daemon_.kill(); }
  posix::ExitStatus stop() {
    daemon_.signal(SIGTERM);
    return wait_for_end();
  }
  posix::ExitStatus wait_for_end() {
    const auto status = daemon_.wait_for_end();
    if (!status) throw std::runtime_error(daemon_.name() + " does not end: " + log());
    return *status;
  }

  std::string log() const { return posix::read_file(daemon_.log(), 16 << 20).value_or(""); }

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

  pid_t pid() const { return daemon_.pid(); }

  // The most memory that it ever held.
  size_t peak_memory_bytes() const {
    const std::string status =
        posix::read_file("/proc/" + std::to_string(daemon_.pid()) + "/status", 1 << 20).value_or("");
    const size_t at = status.find("VmHWM:");
    return at == std::string::npos ? 0 : std::stoul(status.substr(at + 6)) * 1024;
  }

 private:
  Daemon daemon_;
};

}  // namespace bramble::test
