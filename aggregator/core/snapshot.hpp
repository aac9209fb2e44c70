// What the scheduler sees, and what it answers. Values only: a placement is a pure function of a snapshot.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/core/constraints.hpp"
#include "common/base/ids.hpp"
#include "common/wire/messages.hpp"

namespace bramble::aggregator {

inline constexpr uint32_t kNoLimit = std::numeric_limits<uint32_t>::max();

// A node that may be given work. "Free" counts everything sent to it, started or not, as used: so it is negative where
// work was sent ahead.
struct NodeView {
  uint32_t index = 0;  // the reactor's number of the node
  uint32_t slots = 0;
  uint64_t memory_bytes = 0;
  std::map<std::string, int64_t> resources;
  bool sandbox = false;  // can isolate tasks
  bool files = false;    // lays input files beside tasks
  int64_t free_slots = 0;
  int64_t free_memory_bytes = 0;
  std::map<std::string, int64_t> free_resources;
  double load = 0;  // of the machine, per core; 0 where unknown
  std::string_view name;
  std::string_view arch;
};

// An input that every task of a job needs, where some nodes have it already.
struct PlacedInput {
  uint64_t size_bytes = 0;
  const std::vector<uint32_t>* nodes = nullptr;  // NodeView::index; others may be among them
};

struct JobView {
  JobId id = 0;
  int32_t priority = 0;
  const wire::TaskSpec* spec = nullptr;
  uint64_t ready = 0;                  // tasks that could be placed now
  uint32_t room = kNoLimit;            // how many more may be at nodes (its concurrency limit)
  int64_t mean_ms = 0;                 // mean duration of its tasks so far; 0: none has ended
  const Constraints* where = nullptr;  // null: anywhere
  bool needs_files = false;            // JobSpec::needs_files()
  std::vector<PlacedInput> inputs = {};
  std::vector<uint32_t> avoided = {};  // NodeView::index of nodes that get none of its tasks now
};

struct Snapshot {
  std::vector<NodeView> nodes;
  std::vector<JobView> jobs;
};

struct Placement {
  JobId job = 0;
  uint32_t node = 0;   // NodeView::index
  uint32_t count = 0;  // tasks
};

using Scheduler = std::function<std::vector<Placement>(const Snapshot&)>;

}  // namespace bramble::aggregator
