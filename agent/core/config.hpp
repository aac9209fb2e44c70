// What the agent is told about itself and its node, and what it keeps from run to run. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "agent/core/energy.hpp"
#include "common/base/clock.hpp"
#include "common/base/ids.hpp"
#include "common/wire/messages.hpp"

namespace bramble::agent {

struct Config {
  std::string cluster;
  std::string node;
  std::string machine_id;
  std::string boot_id;
  std::string version;
  std::string model;
  std::string arch;
  std::string lang;      // LANG of tasks; empty: none
  std::string blob_dir;  // absolute: where the adapter keeps blobs, each under its SHA-256
  uint32_t slots = 1;
  uint64_t memory_bytes = 0;  // for tasks; 0: not known, no bound
  uint32_t cpu_cores = 1;     // that the machine has, whatever tasks may use of them
  wire::PowerModel power;     // of the board, or as the configuration says
  std::map<std::string, int64_t> resources;
  std::map<std::string, std::string> labels;
  std::optional<WallTime> renew_certificate_after;  // absent: the node has none
  std::optional<int64_t> beat_ms;                   // given here, it wins over the aggregator's wish
  std::optional<int64_t> telemetry_ms;              // the same

  uint64_t max_spool_bytes = uint64_t{256} << 20;  // results kept until acknowledged: above it nothing more is started
  size_t max_spool_attempts = 4096;
  size_t max_queued = 16384;                    // launched and not started
  uint64_t max_blob_bytes = uint64_t{1} << 30;  // inputs pulled ahead
  uint64_t max_cache_bytes = 0;                 // inputs kept when no attempt needs them
};

// The agent's small memory, written before what depends on it.
struct Saved {
  std::string agent_id;    // the agent's own UUID
  std::string machine_id;  // where it was made: on another machine (a cloned card) the agent makes itself a new one
  uint64_t counter = 0;    // no connection so far carried a higher one
  StoreId store;           // the aggregator's store that this agent is joined to; empty: none yet
  TermId term = 0;         // the highest seen of that store
  std::map<AttemptKey, Joules> charged;   // what was running at the agent's last regular end, with its joules
  std::optional<wire::PowerModel> power;  // the aggregator's newest calibration of this node; absent: there is none
  std::string joined = {};                // the newest joining that was taken note of

  bool operator==(const Saved&) const = default;
};

}  // namespace bramble::agent
