#include "aggregator/http/deadlines.hpp"

#include <utility>

namespace bramble::aggregator::http {

Deadlines::Deadlines() : thread_([this] { run(); }) {}

Deadlines::Id Deadlines::call_after(int64_t delay_ms, std::function<void()> handler) {
  const auto when = Clock::now() + std::chrono::milliseconds(delay_ms);
  const std::lock_guard lock(mutex_);
  const Id id = ++last_id_;
  if (stopping_) return id;
  const auto place = by_time_.emplace(std::pair{when, id}, std::move(handler)).first;
  time_of_[id] = when;
  if (place == by_time_.begin()) changed_.notify_one();
  return id;
}

void Deadlines::cancel(Id id) {
  std::function<void()> dropped;  // what it holds is let go without the lock
  const std::lock_guard lock(mutex_);
  const auto found = time_of_.find(id);
  if (found == time_of_.end()) return;
  const auto entry = by_time_.find({found->second, id});
  dropped = std::move(entry->second);
  by_time_.erase(entry);
  time_of_.erase(found);
}

void Deadlines::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  by_time_.clear();
  time_of_.clear();
}

void Deadlines::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (by_time_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto next = by_time_.begin();
    if (const auto when = next->first.first; when > Clock::now()) {
      changed_.wait_until(lock, when);
      continue;
    }
    const auto handler = std::move(next->second);
    time_of_.erase(next->first.second);
    by_time_.erase(next);
    lock.unlock();
    handler();
    lock.lock();
  }
}

}  // namespace bramble::aggregator::http
