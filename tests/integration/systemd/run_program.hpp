// Runs a program to its end and returns what it said.
#pragma once

#include <fcntl.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "common/posix/files.hpp"
#include "common/posix/process.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::test {

struct Ended {
  posix::ExitStatus status;
  std::string said;  // on both streams
};

// path: where it looks for programs. log: a file for what it says, made anew.
inline Ended run_program(const std::vector<std::string>& argv, const std::string& path, const std::string& log) {
  const posix::UniqueFd out(::open(log.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  posix::SpawnOptions options;
  options.argv = argv;
  options.env = {{"PATH=" + path, "SYSTEMD_PAGER=", "LC_ALL=C"}};
  options.stdout_fd = out.get();
  options.stderr_fd = out.get();
  auto process = posix::Process::spawn(options);
  if (!process) throw std::runtime_error(process.error().message);
  const auto status = process->wait(30'000);
  if (!status) process->kill_and_wait();
  if (!status) throw std::runtime_error(argv[0] + " does not end");
  return {*status, posix::read_file(log, 1 << 20).value_or("")};
}

}  // namespace bramble::test
