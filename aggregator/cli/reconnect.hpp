// What a command does while the aggregator does not answer: try again with back-off, say so once, give up in time.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "aggregator/cli/console.hpp"
#include "common/base/clock.hpp"

namespace bramble::cli {

// Thread-safe; shared by all connections of one command.
class Reconnect {
 public:
  // give_up_ms 0: a command that does not wait for an aggregator to come back. was_there: there are traces of one, so
  // that it is waited for before it answered for the first time.
  Reconnect(Console& console, int64_t give_up_ms, bool was_there = false)
      : console_(console), give_up_ms_(give_up_ms), ever_reached_(was_there) {}

  void reached();

  // No answer came: how long to wait before the next try; nothing: give up. An aggregator that never answered is not
  // waited for: most likely its address is wrong.
  std::optional<int64_t> lost(MonoTime now);

  // "Come again" (503) since `since`: how long to wait; nothing: give up.
  std::optional<int64_t> busy(MonoTime since, MonoTime now) const;

 private:
  Console& console_;
  const int64_t give_up_ms_;
  std::mutex mutex_;
  bool ever_reached_;
  std::optional<MonoTime> lost_since_;
  bool said_ = false;
};

}  // namespace bramble::cli
