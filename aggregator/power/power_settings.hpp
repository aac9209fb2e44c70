// The [power] and [[supply]] tables of aggregator.toml: when nodes are switched, and what their supplies can give.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/posix/config_file.hpp"

namespace bramble::aggregator {

inline constexpr size_t kMaxSupplies = 64;

// What feeds several nodes. Starts on one supply are staggered and stay within its watts.
struct SupplySettings {
  std::string name;
  std::vector<std::string> nodes;  // empty: all that no other supply names
  int64_t stagger_ms = 1000;       // from one start to the next
  double starts_per_minute = 30;   // in the long run, after a burst
  double start_burst = 4;
  double cuts_per_minute = 60;
  double cut_burst = 4;
  double max_w = 0;    // 0: no limit
  double start_w = 7;  // of a node that starts
  double run_w = 7;    // of a node that has power, where no more is measured
};

// Everything that takes power away by itself is off until a person switches it on.
struct PowerSettings {
  bool recovery = false;                // hung nodes are cut and started again
  int64_t recovery_s = 180;             // the least honest silence before; twice the learned boot time if that is more
  int64_t healthy_percent = 51;         // fewer nodes: recovery waits
  int64_t idle_off_s = 0;               // idle nodes are switched off after it; 0: never
  std::vector<std::string> keep_on;     // switched off by nobody but recovery
  std::vector<std::string> head_nodes;  // names of this machine's own agent: never switched off
  std::vector<std::string> broker_nodes;  // the broker runs there: never switched off
  int64_t start_limit_s = 120;
  int64_t max_starts = 3;
  int64_t halt_limit_s = 90;
  bool cut_unhalted = false;  // cut at the halt limit even what a meter or a halt line says to be running
  int64_t hold_s = 5;         // without power before it counts as off
  double quiet_w = 0.5;       // a metered node that draws no more has halted
  double off_w = 0.1;         // one whose power is cut draws no more
  std::vector<SupplySettings> supplies;
};

//   [power]
//   recovery = true
//   keep_on = "pi[01-02]"
//
//   [[supply]]
//   name = "shelf"
//   nodes = "pi[01-08]"
//   max_w = 60
//
// What is wrong is told by file.finish().
PowerSettings read_power_settings(posix::ConfigFile& file);

}  // namespace bramble::aggregator
