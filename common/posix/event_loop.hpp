// A single-threaded loop over file descriptors, timers and signals (epoll). Everything but stop() and wake() belongs to
// the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "common/base/clock.hpp"
#include "common/base/result.hpp"

namespace bramble::posix {

class EventLoop {
 public:
  using FdHandler = std::function<void(uint32_t epoll_events)>;
  using TimerId = uint64_t;

  EventLoop();  // ends the process when the kernel gives no epoll
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // events: EPOLLIN, EPOLLOUT... The descriptor stays the caller's; remove it before closing it. A handler may add and
  // remove any descriptor, its own too.
  void add_fd(int fd, uint32_t events, FdHandler handler);
  void change_fd(int fd, uint32_t events);
  void remove_fd(int fd);

  // One-shot. A timer that is due is called after the descriptors of the same round.
  TimerId call_at(MonoTime when, std::function<void()> handler);
  TimerId call_after(int64_t delay_ms, std::function<void()> handler);
  void cancel(TimerId timer);

  // Blocks the signals for this thread (and those that it starts later) and hands them to the handler.
  void on_signals(const std::vector<int>& signals, std::function<void(int signal)> handler);

  // From any thread: has `handler` called soon in the loop's thread.
  void on_wake(std::function<void()> handler);
  void wake();

  void run();   // until stop()
  void stop();  // from any thread, and from a signal handler

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bramble::posix
