// How far the pieces of a map may be ahead of what was joined: between the thread that feeds and the one that joins.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "common/base/result.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::cli {

struct WindowLimits {
  uint64_t least_pieces = 2;  // allowed whatever their size: 2 for each slot, so that no slot waits for the next piece
  uint64_t most_pieces = 64;
  uint64_t most_bytes = uint64_t{256} << 20;
};

// May one more piece of this size join those that wait?
bool has_room(const WindowLimits& limits, uint64_t pieces, uint64_t bytes, uint64_t next_bytes);

// Thread-safe.
class MapWindow {
 public:
  explicit MapWindow(WindowLimits limits);

  // --- the feeder's side
  bool try_reserve(uint64_t bytes);
  bool wait_for_room(uint64_t bytes);         // false: stopped
  bool starving() const;                      // so few pieces wait that the next must not be held back for a batch
  bool wait_until_starving(int64_t most_ms);  // or for so long; false: stopped
  void sent(uint64_t pieces);                 // so many more are tasks now
  void feed_ended(const Status& status);      // an error stops the map

  // --- the joiner's side
  enum class Next { piece, end, stopped };
  Next wait_for_piece();  // the first that was not joined
  void joined();          // that one was

  void stop();  // from any thread
  bool stopped() const;
  std::optional<Error> feed_error() const;
  int stop_fd() const { return stop_fd_.get(); }  // readable once stopped

 private:
  void stop_locked();

  const WindowLimits limits_;
  posix::UniqueFd stop_fd_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<uint64_t> reserved_;  // sizes of the pieces that wait, the oldest first
  uint64_t reserved_bytes_ = 0;
  uint64_t sent_ = 0;
  uint64_t joined_ = 0;
  bool feed_ended_ = false;
  bool stopped_ = false;
  std::optional<Error> feed_error_;
};

}  // namespace bramble::cli
