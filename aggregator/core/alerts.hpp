// Rules by which people are told that something is wrong. The state of one is retained at
// bramble/CLUSTER/alert/RULE/NODE (of the whole cluster: without the node), and a command can be run when one is raised
// and when it is cleared.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.hpp"

namespace bramble::aggregator {

inline constexpr size_t kMaxAlertRules = 100;

// Raised when a node's value has been beyond `limit` for `for_ms` without a break, cleared when it is back within
// `clear`.
//
// metric: a reading's name on the wire, or one that is made here: `silence_s` (how long a node was not heard; not while
// the aggregator itself was away, and not of a node that said goodbye or is switched off), `disk_used_ratio`,
// `power_fault` (1 while the power of a node that hangs on a line needs a person), or `cluster_power_w` (all of `nodes`
// together). A value that is not known changes nothing; a node that says goodbye clears what it has raised.
struct AlertRule {
  std::string name;  // is_valid_name()
  std::string metric;
  bool above = true;  // false: raised below the limit
  double limit = 0;
  double clear = 0;  // not beyond the limit
  int64_t for_ms = 0;
  std::vector<std::string> nodes;  // empty: all
};

inline constexpr const char* kClusterPower = "cluster_power_w";
inline constexpr const char* kSilence = "silence_s";
inline constexpr const char* kDiskUsed = "disk_used_ratio";
inline constexpr const char* kPowerFault = "power_fault";

struct Alert {
  std::optional<MonoTime> beyond_since;
  bool raised = false;
  bool published = false;  // by this run of ours
  double value = 0;        // the last that was known
};

}  // namespace bramble::aggregator
