#include "common/posix/event_loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <unordered_map>
#include <utility>

#include "common/posix/error.hpp"
#include "common/posix/system_clock.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::posix {
namespace {

constexpr int kEventsPerRound = 64;

[[noreturn]] void give_up(const char* call) {
  std::fprintf(stderr, "event loop: %s: %s\n", call, errno_text(errno).c_str());
  std::abort();
}

}  // namespace

struct EventLoop::Impl {
  struct Watch {
    uint32_t generation;  // tells a descriptor from an earlier one with its number, in events of the same round
    std::shared_ptr<FdHandler> handler;
  };

  UniqueFd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  UniqueFd wake_fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  UniqueFd signal_fd;
  sigset_t signals{};
  std::function<void(int)> signal_handler;
  std::function<void()> wake_handler;
  std::unordered_map<int, Watch> watches;
  uint32_t last_generation = 0;
  std::map<std::pair<int64_t, TimerId>, std::function<void()>> timers;  // by time, then by when they were set
  std::unordered_map<TimerId, int64_t> timer_times;
  TimerId last_timer = 0;
  std::atomic<bool> stopping = false;

  void control(int operation, int fd, uint32_t events, uint32_t generation) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = uint64_t{generation} << 32 | static_cast<uint32_t>(fd);
    if (::epoll_ctl(epoll.get(), operation, fd, &event) != 0) give_up("epoll_ctl");
  }
  void dispatch(const epoll_event& event);
  void drain_wake();
  void drain_signals() const;
  int timeout_ms() const;
  void run_due_timers();
};

void EventLoop::Impl::dispatch(const epoll_event& event) {
  const int fd = static_cast<int>(event.data.u64 & UINT32_MAX);
  const auto watch = watches.find(fd);
  if (watch == watches.end() || watch->second.generation != event.data.u64 >> 32) return;
  const std::shared_ptr<FdHandler> handler = watch->second.handler;  // it may remove itself
  (*handler)(event.events);
}

void EventLoop::Impl::drain_wake() {
  uint64_t count = 0;
  if (::read(wake_fd.get(), &count, sizeof count) < 0) return;
  if (wake_handler) wake_handler();
}

void EventLoop::Impl::drain_signals() const {
  signalfd_siginfo info{};
  while (::read(signal_fd.get(), &info, sizeof info) == sizeof info) signal_handler(static_cast<int>(info.ssi_signo));
}

int EventLoop::Impl::timeout_ms() const {
  if (timers.empty()) return -1;
  const int64_t left_ms = timers.begin()->first.first - mono_now().ms;
  return static_cast<int>(std::clamp<int64_t>(left_ms, 0, INT_MAX));
}

// Only those that are due now: a handler that sets a timer for at once does not keep descriptors waiting.
void EventLoop::Impl::run_due_timers() {
  if (timers.empty()) return;
  const std::pair<int64_t, TimerId> limit{mono_now().ms, last_timer};
  while (!timers.empty() && timers.begin()->first <= limit) {
    const auto due = timers.extract(timers.begin());
    timer_times.erase(due.key().second);
    due.mapped()();
  }
}

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {
  if (!impl_->epoll) give_up("epoll_create1");
  if (!impl_->wake_fd) give_up("eventfd");
  add_fd(impl_->wake_fd.get(), EPOLLIN, [this](uint32_t) { impl_->drain_wake(); });
}

EventLoop::~EventLoop() = default;

void EventLoop::add_fd(int fd, uint32_t events, FdHandler handler) {
  const uint32_t generation = ++impl_->last_generation;
  impl_->control(EPOLL_CTL_ADD, fd, events, generation);
  impl_->watches[fd] = {generation, std::make_shared<FdHandler>(std::move(handler))};
}

void EventLoop::change_fd(int fd, uint32_t events) {
  impl_->control(EPOLL_CTL_MOD, fd, events, impl_->watches.at(fd).generation);
}

void EventLoop::remove_fd(int fd) {
  if (impl_->watches.erase(fd) == 0) return;
  impl_->control(EPOLL_CTL_DEL, fd, 0, 0);
}

EventLoop::TimerId EventLoop::call_at(MonoTime when, std::function<void()> handler) {
  const TimerId timer = ++impl_->last_timer;
  impl_->timers.emplace(std::pair{when.ms, timer}, std::move(handler));
  impl_->timer_times.emplace(timer, when.ms);
  return timer;
}

EventLoop::TimerId EventLoop::call_after(int64_t delay_ms, std::function<void()> handler) {
  return call_at(mono_now() + delay_ms, std::move(handler));
}

void EventLoop::cancel(TimerId timer) {
  const auto time = impl_->timer_times.find(timer);
  if (time == impl_->timer_times.end()) return;
  impl_->timers.erase({time->second, timer});
  impl_->timer_times.erase(time);
}

void EventLoop::on_signals(const std::vector<int>& signals, std::function<void(int signal)> handler) {
  impl_->signal_handler = std::move(handler);
  for (const int signal : signals) ::sigaddset(&impl_->signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &impl_->signals, nullptr);
  const bool first = !impl_->signal_fd;
  const int fd = ::signalfd(impl_->signal_fd.get(), &impl_->signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) give_up("signalfd");
  if (!first) return;
  impl_->signal_fd.reset(fd);
  add_fd(fd, EPOLLIN, [this](uint32_t) { impl_->drain_signals(); });
}

void EventLoop::on_wake(std::function<void()> handler) { impl_->wake_handler = std::move(handler); }

void EventLoop::wake() {
  const uint64_t one = 1;
  // It can only fail when the count is full, and then the loop is being woken already.
  [[maybe_unused]] const auto written = ::write(impl_->wake_fd.get(), &one, sizeof one);
}

void EventLoop::run() {
  std::array<epoll_event, kEventsPerRound> events{};
  while (!impl_->stopping.exchange(false)) {
    const int count = ::epoll_wait(impl_->epoll.get(), events.data(), kEventsPerRound, impl_->timeout_ms());
    if (count < 0 && errno != EINTR) give_up("epoll_wait");
    for (int i = 0; i < count; ++i) impl_->dispatch(events[static_cast<size_t>(i)]);
    impl_->run_due_timers();
  }
}

void EventLoop::stop() {
  impl_->stopping = true;
  wake();
}

}  // namespace bramble::posix
