// What fits where.
#pragma once

#include <map>
#include <tuple>

#include "aggregator/core/records.hpp"
#include "aggregator/core/snapshot.hpp"

namespace bramble::aggregator {

// Whether the node could run such a task if it did nothing else.
bool could_hold(const NodeView& node, const wire::TaskSpec& spec);
bool could_hold(const NodeView& node, const JobSpec& job);  // and is one of those where the job may run

// What a job's tasks ask for: those of one shape fit where one of them fits. Refers to the job's own values.
using Shape = std::tuple<const uint32_t&, const uint64_t&, const std::map<std::string, int64_t>&,
                         const wire::Isolation&, const std::string&, const std::string&, bool>;
Shape shape_of(const JobSpec& job);

}  // namespace bramble::aggregator
