// Ctrl-C: the first asks the command to end well, the second leaves at once.
#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

#include "common/posix/unique_fd.hpp"

namespace bramble::cli {

// Takes SIGINT, SIGTERM and SIGHUP (the terminal is gone) for as long as it lives. Make it before other threads are
// started, for they must not take the signals. The first signal has `on_first` called in a thread of its own; any
// further one ends the process with 128 + its number, but for the same one within 300 ms: timeout and some shells send
// it to the process and to its group, and nobody means the second.
class Interrupts {
 public:
  explicit Interrupts(std::function<void()> on_first);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  int signal() const { return signal_; }  // the first that came; 0: none

 private:
  void watch();

  std::function<void()> on_first_;
  std::atomic<int> signal_ = 0;
  posix::UniqueFd signal_fd_;
  posix::UniqueFd stop_fd_;
  sigset_t previous_mask_{};
  std::thread watcher_;
  std::thread handler_;
};

}  // namespace bramble::cli
