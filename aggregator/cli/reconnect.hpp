// What a command does while the aggregator does not answer, or has no room: try again with back-off, say so once, give
// up in time.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "aggregator/cli/console.hpp"
#include "common/base/clock.hpp"

namespace bramble::cli {

// Thread-safe; shared by all connections of one command.
class Reconnect {
 public:
  // give_up_ms 0: a command that does not wait for an aggregator to come back. was_there: there are traces of one, so
  // that it is waited for before it answered for the first time. waits_for_room: for a command that waits for work,
  // room on the head is worth waiting for however long it takes.
  Reconnect(Console& console, int64_t give_up_ms, bool was_there = false, bool waits_for_room = false)
      : console_(console), give_up_ms_(give_up_ms), ever_reached_(was_there), waits_for_room_(waits_for_room) {}

  void reached();

  // No answer came: how long to wait before the next try; nothing: give up. An aggregator that never answered is not
  // waited for: most likely its address is wrong.
  std::optional<int64_t> lost(MonoTime now);

  // "Come again" (503) since `since`: how long to wait; nothing: give up.
  std::optional<int64_t> busy(MonoTime since, MonoTime now) const;

  // Nothing came for a while: whether it is time to ask what holds up everybody. True at most every few seconds,
  // however many connections ask.
  bool look_due(MonoTime now);

  // What does: said once each, however often it comes and goes.
  void say_hold_ups(const std::vector<std::string>& sentences);

  // Whether to wait on while the head has no room. The command is ending: not any more.
  bool waits_for_room() const { return waits_for_room_; }
  void stop_waiting_for_room() { waits_for_room_ = false; }

 private:
  Console& console_;
  const int64_t give_up_ms_;
  std::mutex mutex_;
  bool ever_reached_;
  std::optional<MonoTime> lost_since_;
  bool said_ = false;
  std::atomic<bool> waits_for_room_;
  std::optional<MonoTime> looked_;
  std::set<std::string> held_up_;  // the sentences that were said
};

}  // namespace bramble::cli
