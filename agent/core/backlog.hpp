// Readings that nobody has heard: kept while the node is cut off, ever fewer as it lasts, and sent when it is back.
// Pure.
//
// At most kMaxReadings readings and kMaxValues values (256 KiB and a little more) are kept. At first one reading in ten
// seconds; each time that the room is full every other one is dropped and the distance doubled, so that any outage is
// covered from end to end: with 40 metrics 2 hours at 10 s, a day at 160 s, a month at 1.5 hours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.hpp"
#include "common/wire/messages.hpp"

namespace bramble::agent {

class Backlog {
 public:
  static constexpr size_t kMaxReadings = 720;
  static constexpr size_t kMaxValues = 32 << 10;
  static constexpr int64_t kFirstSpacingMs = 10'000;

  // `reading` is complete but for age_ms. Readings come in order of `taken`.
  void keep(const wire::Telemetry& reading, MonoTime taken);

  // The oldest, with its age; nothing when there is none. What is older than the wire allows is dropped.
  std::optional<wire::Telemetry> take_oldest(MonoTime now);

  bool empty() const { return kept_.empty(); }
  size_t size() const { return kept_.size(); }
  int64_t spacing_ms() const { return spacing_ms_; }
  uint64_t dropped() const { return dropped_; }  // readings that will never be sent, since the agent started

 private:
  struct Kept {
    MonoTime taken;
    int64_t wall_ms = 0;
    uint64_t number = 0;
    uint64_t run = 0;
    bool power_measured = false;
    std::shared_ptr<const std::vector<std::string>> names;  // hardly ever change: shared by many
    std::vector<double> values;
  };

  std::shared_ptr<const std::vector<std::string>> names_of(const wire::Telemetry& reading) const;
  void thin_out();

  std::deque<Kept> kept_;
  size_t values_ = 0;
  int64_t spacing_ms_ = kFirstSpacingMs;
  std::optional<MonoTime> last_kept_;
  uint64_t dropped_ = 0;
};

}  // namespace bramble::agent
