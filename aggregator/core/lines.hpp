// The words that the power state machine and the adapters which drive lines (aggregator/power) have in common.
//
// Levels are logical: true means power on, button pressed, reset held, node halted, whatever the wiring makes of it.
// The adapters do the operations of one line in their order, never one that was not asked for, and answer each with one
// report of the same number. A line is taken over without an edge, as it stands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/clock.hpp"

namespace bramble::aggregator {

enum class LineRole {
  supply,  // its level is the node's power: a relay, or a program that switches it
  button,  // a short press starts a node that is off; held long, it takes the power. Halting is the agent's
  reset,   // pulsed, it starts the node anew
  halted,  // an input: the node says that it may be cut
  meter,   // watts of the node's supply, measured by the head
};

constexpr std::string_view to_string(LineRole role) {
  switch (role) {
    case LineRole::supply:
      return "supply";
    case LineRole::button:
      return "button";
    case LineRole::reset:
      return "reset";
    case LineRole::halted:
      return "halted";
    case LineRole::meter:
      break;
  }
  return "meter";
}

using LineIndex = uint32_t;  // into the configured lines

// A line as the state machine sees it. How it is driven is the adapter's own.
struct LineSpec {
  std::string node;
  LineRole role = LineRole::supply;
  std::string name;                // "pinctrl-bcm2711 GPIO17", for people
  int64_t press_ms = 500;          // button and reset: a short press
  int64_t long_press_ms = 10'000;  // button: held so long it takes the power
};

enum class LineAction {
  read,
  switch_on,   // supply: idempotent
  switch_off,  // supply: idempotent
  press,       // button or reset: begins and ends by itself, even if this process dies in it
};

struct LineOp {
  uint64_t number = 0;  // increasing within one run of this process
  LineIndex line = 0;
  LineAction action = LineAction::read;
  int64_t press_ms = 0;
};

// What came of an operation. Without a number: something was seen that nobody asked for (an edge of an input, a chip
// that is gone).
struct LineReport {
  std::optional<uint64_t> number;
  LineIndex line = 0;
  std::optional<bool> level;        // read back after the operation; absent: it cannot be read
  std::optional<int64_t> power_mw;  // meter
  std::string error;                // one sentence; empty: it was done
};

}  // namespace bramble::aggregator
