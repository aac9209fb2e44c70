// The power of nodes that hang on lines: its settings, and what the reactor knows of it while it runs.
//
// Every node with lines has a state of its own (power_records.hpp). What is wanted and what is observed are apart: a
// tick compares them and moves a node by at most one state. Lines are only ever switched from a state that asks for it,
// never because this process started: after a start all lines are read first and taken as they are.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "aggregator/core/lines.hpp"
#include "aggregator/core/power_records.hpp"
#include "common/base/clock.hpp"

namespace bramble::aggregator {

// A power supply that feeds several nodes.
struct SupplyConfig {
  std::string name{};                // without one, or without nodes: of all nodes with lines that no other names
  std::vector<std::string> nodes{};  // also those without a line: they count as drawing run_mw, always
  int64_t stagger_ms = 1000;         // from one start that was done to the next
  double starts_per_minute = 30;     // in the long run, after a burst
  double start_burst = 4;
  double cuts_per_minute = 60;
  double cut_burst = 4;
  int64_t max_mw = 0;       // 0: no limit
  int64_t start_mw = 7000;  // of a node that starts
  int64_t run_mw = 7000;  // of a node that has power: the most that it draws; what is measured counts where it is more
};

struct PowerConfig {
  std::vector<LineSpec> lines;
  std::vector<SupplyConfig> supplies;
  std::set<std::string> head_nodes;    // the aggregator runs there: never switched off
  std::string head_machine_id;         // the same, whatever name its agent has
  std::set<std::string> broker_nodes;  // the broker runs there
  std::set<std::string> keep_on;       // keep-warm nodes: switched off by nobody but recovery

  bool recovery = false;  // cycle nodes that are silent for the recovery time
  int64_t recovery_floor_ms = 180'000;
  int64_t healthy_percent = 51;  // fewer: recovery waits, for then it is likely not the nodes
  int64_t idle_off_ms = 0;       // switch off nodes that had no work for so long, and on when there is some; 0: never
  bool cut_unhalted = false;     // at the halt limit cut even where a meter or halt line says that the node still runs

  // The limits of the states.
  int64_t start_limit_ms = 120'000;
  uint32_t max_starts = 3;
  int64_t halt_limit_ms = 90'000;
  int64_t hold_ms = 5000;  // off for so long counts as off
  int64_t cut_limit_ms = 10'000;
  int64_t cool_down_min_ms = 5000;
  int64_t cool_down_max_ms = 300'000;
  int64_t steady_ms = 600'000;  // on for so long: its next start is the first one again
  int64_t suspect_ms = 30'000;
  int64_t fence_limit_ms = 60'000;
  int64_t probe_ms = 300'000;  // of a node in fault

  int64_t op_limit_ms = 10'000;  // of an operation on a line, besides the length of a press
  int64_t read_ms = 30'000;      // lines are read again, also when nothing is going on
  int64_t watch_ms = 1000;       // the same while something is
  int64_t halt_again_ms = 5000;  // a node that is still heard is asked to shut down again
  int64_t quiet_mw = 500;        // a metered node that draws no more has halted
  int64_t off_mw = 100;          // one whose power is cut draws no more
  size_t audit_rows = 100'000;   // the newest ones are kept
};

struct PowerLine {
  std::optional<bool> level;  // as it was last read
  std::optional<int64_t> power_mw;
  std::string error;
  std::optional<MonoTime> told;  // the last report
  std::optional<MonoTime> asked;
  uint64_t asked_batch = 0;  // in which it was: the operation left when that was committed
  uint64_t pending = 0;      // the operation that was asked for and not reported; 0: none
  LineAction pending_action = LineAction::read;
  int64_t pending_ms = 0;  // it may take so long
  int64_t press_ms = 0;
  uint32_t reads_failed = 0;
};

// What a node has of each kind.
struct PowerLines {
  std::optional<LineIndex> supply;
  std::optional<LineIndex> button;
  std::optional<LineIndex> reset;
  std::optional<LineIndex> halted;
  std::optional<LineIndex> meter;
};

struct PowerNode {
  PowerRecord record;
  PowerLines lines;
  size_t supply = 0;                 // of PowerSystem::supplies
  bool adopting = true;              // its lines were not read yet since this process started
  MonoTime since;                    // in this state
  MonoTime up;                       // when it was last known to be up
  MonoTime idle;                     // when it last had work
  std::optional<MonoTime> tried;     // the first time that it was, in this state
  bool learns = false;               // starting: since `since`, as far as this process knows
  bool acted = false;                // the switch or press of this state was asked for
  std::optional<MonoTime> acted_at;  // and done, as reported
  std::string failed;                // what became of the last try, if it failed: a sentence
  std::optional<MonoTime> halt_asked;
  bool cut_now = false;  // halting: force was said again
  MonoTime probed;       // fault
  std::string waits;     // what it waits for, for people; empty: for nothing
};

struct PowerSupply {
  SupplyConfig config;
  MonoTime started;  // the last start that was done; of an earlier run: none later than our own start
  double start_tokens = 1;
  double cut_tokens = 1;
  MonoTime refilled;
};

struct PowerSystem {
  std::vector<PowerLine> lines;  // as PowerConfig::lines
  std::map<std::string, PowerNode> nodes;
  std::vector<PowerSupply> supplies;
  uint64_t last_op = 0;
  uint64_t batch = 1;
  PowerPause pause;
  MonoTime woken;  // when a node was last switched on for want of room
};

}  // namespace bramble::aggregator
