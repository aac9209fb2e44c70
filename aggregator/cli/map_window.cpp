#include "aggregator/cli/map_window.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

namespace bramble::cli {

bool has_room(const WindowLimits& limits, uint64_t pieces, uint64_t bytes, uint64_t next_bytes) {
  if (pieces < limits.least_pieces) return true;
  return pieces < limits.most_pieces && bytes + next_bytes <= limits.most_bytes;
}

MapWindow::MapWindow(WindowLimits limits) : limits_(limits), stop_fd_(::eventfd(0, EFD_CLOEXEC)) {
  if (!stop_fd_) std::abort();  // out of descriptors before anything was opened
}

bool MapWindow::try_reserve(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (!has_room(limits_, reserved_.size(), reserved_bytes_, bytes)) return false;
  reserved_.push_back(bytes);
  reserved_bytes_ += bytes;
  return true;
}

bool MapWindow::wait_for_room(uint64_t bytes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopped_ || has_room(limits_, reserved_.size(), reserved_bytes_, bytes); });
  return !stopped_;
}

bool MapWindow::starving() const {
  const std::lock_guard lock(mutex_);
  return reserved_.size() <= limits_.least_pieces;
}

bool MapWindow::wait_until_starving(int64_t most_ms) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(most_ms),
                    [&] { return stopped_ || reserved_.size() <= limits_.least_pieces; });
  return !stopped_;
}

void MapWindow::sent(uint64_t pieces) {
  const std::lock_guard lock(mutex_);
  sent_ += pieces;
  changed_.notify_all();
}

void MapWindow::feed_ended(const Status& status) {
  const std::lock_guard lock(mutex_);
  feed_ended_ = true;
  if (!status) {
    feed_error_ = status.error();
    stop_locked();
  }
  changed_.notify_all();
}

MapWindow::Next MapWindow::wait_for_piece() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopped_ || joined_ < sent_ || feed_ended_; });
  if (stopped_) return Next::stopped;
  return joined_ < sent_ ? Next::piece : Next::end;
}

void MapWindow::joined() {
  const std::lock_guard lock(mutex_);
  ++joined_;
  reserved_bytes_ -= reserved_.front();
  reserved_.pop_front();
  changed_.notify_all();
}

void MapWindow::stop() {
  const std::lock_guard lock(mutex_);
  stop_locked();
}

void MapWindow::stop_locked() {
  stopped_ = true;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_fd_.get(), &one, sizeof one);
  changed_.notify_all();
}

bool MapWindow::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

std::optional<Error> MapWindow::feed_error() const {
  const std::lock_guard lock(mutex_);
  return feed_error_;
}

}  // namespace bramble::cli
