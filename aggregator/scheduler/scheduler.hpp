// Who runs what: a pure function of a snapshot.
#pragma once

#include <vector>

#include "aggregator/core/snapshot.hpp"

namespace bramble::aggregator {

struct SchedulerOptions {
  // Work sent ahead of free slots, so that no round trip idles a core: as much as a node does in this time, by the
  // job's mean duration; at least one task a slot where the duration is not known yet.
  int64_t ahead_ms = 500;
  uint32_t max_ahead = 512;  // tasks a node
};

// Jobs in the order of the snapshot (priority, then first come). Each job first takes free room, on the node that
// has most bytes of its inputs, of equal ones on that with the largest share of its slots free (of two, the less
// loaded), then is sent ahead to the nodes that have the least waiting. A node's queue is served in order, so a large
// task that was sent ahead gets its room as the node drains, and nothing behind it starves it. Never places on a node
// that could not hold the task even when empty.
std::vector<Placement> place(const Snapshot& snapshot, const SchedulerOptions& options = {});

}  // namespace bramble::aggregator
