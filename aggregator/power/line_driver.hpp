// What drives one line. All calls come from the hand's thread (line_hand.hpp), and none waits for long: what takes time
// is a process or a timer of the hand's loop.
#pragma once

#include <functional>

#include "aggregator/core/lines.hpp"

namespace bramble::aggregator {

// A report without number and line: those the hand knows.
struct LineOutcome {
  std::optional<bool> level;
  std::optional<int64_t> power_mw;
  std::string error;
};

class LineDriver {
 public:
  using Done = std::function<void(LineOutcome)>;

  virtual ~LineDriver() = default;

  // One at a time: the next begins after `done` was called, which happens exactly once, at once or later.
  virtual void begin(const LineOp& op, Done done) = 0;

  // Called a few times a second while nothing else is under way. What was seen that nobody asked for.
  virtual std::optional<LineOutcome> look(MonoTime) { return {}; }
};

}  // namespace bramble::aggregator
