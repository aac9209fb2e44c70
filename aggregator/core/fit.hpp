// What fits where.
#pragma once

#include "aggregator/core/snapshot.hpp"

namespace bramble::aggregator {

// Whether the node could run such a task if it did nothing else.
bool could_hold(const NodeView& node, const wire::TaskSpec& spec);

}  // namespace bramble::aggregator
