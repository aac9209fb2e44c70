// A daemon's one bounded queue of events: any thread puts, the state thread takes everything in one go.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace bramble::posix {

// Thread-safe. `wake` is called without the lock when the inbox stops being empty.
template <typename Event>
class Inbox {
 public:
  Inbox(size_t max_events, size_t max_bytes, std::function<void()> wake)
      : max_events_(max_events), max_bytes_(max_bytes), wake_(std::move(wake)) {}

  // False when it is full: the event is dropped and counted. The broker repeats nothing, so senders must.
  bool put(Event event, size_t bytes = 0) {
    bool was_empty = false;
    {
      const std::lock_guard lock(mutex_);
      if (events_.size() >= max_events_ || bytes_ + bytes > max_bytes_) {
        ++dropped_;
        return false;
      }
      was_empty = events_.empty();
      bytes_ += bytes;
      events_.push_back(std::move(event));
    }
    if (was_empty) wake_();
    return true;
  }

  // Above every limit: for the few events that their sender never repeats.
  void put_always(Event event) {
    bool was_empty = false;
    {
      const std::lock_guard lock(mutex_);
      was_empty = events_.empty();
      events_.push_back(std::move(event));
    }
    if (was_empty) wake_();
  }

  std::vector<Event> take() {
    std::vector<Event> taken;
    const std::lock_guard lock(mutex_);
    taken.swap(events_);
    bytes_ = 0;
    return taken;
  }

  size_t dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }

 private:
  const size_t max_events_;
  const size_t max_bytes_;
  const std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::vector<Event> events_;
  size_t bytes_ = 0;
  size_t dropped_ = 0;
};

}  // namespace bramble::posix
