// The state thread of a daemon: takes a batch of events, applies them, commits, and only then lets effects out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "common/posix/event_loop.hpp"
#include "common/posix/inbox.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::posix {

// What a daemon puts in. All are called in the loop's thread.
template <typename Event>
struct ReactorHooks {
  std::function<void(std::vector<Event> events, Now now)> apply;  // changes the state, collects effects; does no I/O
  std::function<Status()> commit;                      // makes the collected writes durable, or changes nothing
  std::function<void()> release;                       // lets the other effects out
  std::function<std::optional<MonoTime>()> next_wake;  // when apply must run although nothing happened
  std::function<void(const Error&)> on_commit_failed;  // tells people; the same commit is tried again
};

// The inbox's `wake` must be the loop's wake(). While a commit fails nothing is taken: the inbox fills and refuses.
template <typename Event>
class ReactorLoop {
 public:
  static constexpr int64_t kFirstRetryMs = 100;
  static constexpr int64_t kLastRetryMs = 5'000;

  ReactorLoop(EventLoop& loop, Inbox<Event>& inbox, ReactorHooks<Event> hooks)
      : loop_(loop), inbox_(inbox), hooks_(std::move(hooks)) {
    loop_.on_wake([this] { step(); });
  }

  // Once, before the loop runs; afterwards it goes on by itself.
  void step() {
    if (committing_) return;
    hooks_.apply(inbox_.take(), now());
    finish_step();
  }

 private:
  void finish_step() {
    const Status committed = hooks_.commit();
    committing_ = !committed;
    if (!committed) {
      hooks_.on_commit_failed(committed.error());
      loop_.call_after(retry_ms_, [this] { finish_step(); });
      retry_ms_ = std::min(retry_ms_ * 2, kLastRetryMs);
      return;
    }
    hooks_.release();
    if (retry_ms_ != kFirstRetryMs) {  // what came meanwhile has had its wake-up
      retry_ms_ = kFirstRetryMs;
      loop_.wake();
    }
    set_timer();
  }

  void set_timer() {
    const auto when = hooks_.next_wake();
    if (when == timer_at_) return;
    if (timer_at_) loop_.cancel(timer_);
    timer_at_ = when;
    if (!when) return;
    timer_ = loop_.call_at(*when, [this] {
      timer_at_.reset();
      step();
    });
  }

  EventLoop& loop_;
  Inbox<Event>& inbox_;
  ReactorHooks<Event> hooks_;
  bool committing_ = false;
  int64_t retry_ms_ = kFirstRetryMs;
  std::optional<MonoTime> timer_at_;
  EventLoop::TimerId timer_ = 0;
};

}  // namespace bramble::posix
