// A kernel as a process, its pipes in the test's hands.
#pragma once

#include <fcntl.h>
#include <poll.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "common/posix/process.hpp"
#include "common/posix/unique_fd.hpp"
#include "common/wire/call_frames.hpp"

namespace bramble::test {

class KernelProcess {
 public:
  struct Answer {
    bool good = false;
    std::string text;  // the result, or why there is none
  };

  KernelProcess(const std::string& program, const std::string& directory) : process_(start(program, directory)) {}
  ~KernelProcess() { process_.kill_and_wait(); }

  Answer ask(const std::string& input) {
    std::string call;
    wire::append_call(call, {next_++, input});
    write_all(call);
    return read_reply();
  }

  // Closes its input; its exit status.
  int end() {
    to_.reset();
    const auto status = process_.wait(60'000);
    return status ? status->shell_code() : -1;
  }

 private:
  static posix::UniqueFd pipe_to(posix::UniqueFd& read_end) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    read_end.reset(ends[0]);
    return posix::UniqueFd(ends[1]);
  }

  posix::Process start(const std::string& program, const std::string& directory) {
    posix::UniqueFd its_input;
    to_ = pipe_to(its_input);
    const posix::UniqueFd its_output = pipe_to(from_);
    posix::SpawnOptions options;
    options.argv = {program};
    options.directory = directory;
    options.stdin_fd = its_input.get();
    options.stdout_fd = its_output.get();
    options.die_with_parent = true;
    auto process = posix::Process::spawn(options);
    if (!process) throw std::runtime_error(process.error().message);
    return std::move(*process);
  }

  void write_all(std::string_view text) {
    while (!text.empty()) {
      const ssize_t done = ::write(to_.get(), text.data(), text.size());
      if (done <= 0) throw std::runtime_error("the kernel takes no calls");
      text.remove_prefix(static_cast<size_t>(done));
    }
  }

  Answer read_reply() {
    while (true) {
      const auto reply = wire::first_reply(received_);
      if (!reply) throw std::runtime_error(reply.error().message);
      if (*reply) {
        Answer answer{(*reply)->status == wire::CallStatus::good, std::string((*reply)->bytes)};
        received_.erase(0, wire::kReplyHeadBytes + answer.text.size());
        return answer;
      }
      pollfd ready{from_.get(), POLLIN, 0};
      char piece[65536];
      const ssize_t got = ::poll(&ready, 1, 60'000) > 0 ? ::read(from_.get(), piece, sizeof piece) : 0;
      if (got <= 0) throw std::runtime_error("the kernel ended, or did not answer for a minute");
      received_.append(piece, static_cast<size_t>(got));
    }
  }

  posix::UniqueFd to_, from_;
  posix::Process process_;
  std::string received_;
  uint32_t next_ = 0;
};

}  // namespace bramble::test
