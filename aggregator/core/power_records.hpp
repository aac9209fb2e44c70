// What is remembered of the power of nodes: one record a node, whether it is paused, and the audit log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/clock.hpp"

namespace bramble::aggregator {

// What is observed of a node's power. Nodes without a line are only ever unknown, stopped or on.
enum class PowerState {
  unknown,    // not heard, and its power is not known to be off
  stopped,    // said goodbye: rebooting, being upgraded, or stopped by a person
  off,        // its line is off, read back and held
  starting,   // switched on or pressed; a beat of a new boot is awaited
  on,         // heard
  draining,   // is to be switched off: gets no new work
  halting,    // asked to shut down
  cutting,    // its power is being taken
  cool_down,  // off for a while before it is started again
  suspect,    // silent for the recovery time
  fencing,    // its power is being taken because it is not heard
  fault,      // something did not work: a person is needed
};

enum class PowerWish { none, on, off };

enum class PowerHow {
  clean,  // all that the node was given ends first, then it shuts down
  asap,   // what has begun ends first; what has not is given back
  force,  // nothing is waited for; a node that is heard is still asked to shut down
};

std::string_view to_string(PowerState state);
std::string_view to_string(PowerWish wish);
std::string_view to_string(PowerHow how);
std::optional<PowerState> parse_power_state(std::string_view text);
std::optional<PowerWish> parse_power_wish(std::string_view text);
std::optional<PowerHow> parse_power_how(std::string_view text);

struct PowerRecord {
  std::string node;

  // What is wanted, and by whom.
  PowerWish wish = PowerWish::none;
  PowerHow how = PowerHow::clean;
  bool by_person = false;  // then no automation changes it
  bool cycle = false;      // when its power is off it is switched on again
  std::string who;
  std::string why;
  WallTime asked;

  // What is observed.
  PowerState state = PowerState::unknown;
  WallTime since;
  std::string cause;        // of the state, a few words; of a fault, the sentence for people
  bool was_on = false;      // when it was last heard it had not said goodbye
  bool off_proved = false;  // its power was surely off: what ran there is dead
  std::string boot_before;  // the boot that was ended: a beat of it shows that the node never lost its power
  uint64_t presses = 0;     // numbers given to presses of its button or reset
  bool press_open = false;  // the last of them has begun and was not reported
  int64_t boot_ms = 0;      // learned: from switching on to work; 0: not known
  uint32_t starts = 0;      // in a row that did not lead to a node that is heard
  std::string lines;        // their names, to notice that a node was moved to others

  bool operator==(const PowerRecord&) const = default;
};

// While it is paused no automation switches anything: recovery, idle nodes, nodes that are needed, second tries.
struct PowerPause {
  bool paused = false;
  std::string who;
  std::string why;
  WallTime at;

  bool operator==(const PowerPause&) const = default;
};

struct AuditRecord {
  WallTime at;
  std::string who;     // a person, or "automation"
  std::string node;    // empty: the whole cluster
  std::string action;  // "off", "suspect", "switched on", ...
  std::string why;
  std::string result;  // what was read back, or answered

  bool operator==(const AuditRecord&) const = default;
};

}  // namespace bramble::aggregator
