#include "aggregator/core/fit.hpp"

#include <algorithm>

namespace bramble::aggregator {

bool could_hold(const NodeView& node, const wire::TaskSpec& spec) {
  if (spec.isolate == wire::Isolation::sandbox && !node.sandbox) return false;
  if (spec.cpus > node.slots || spec.memory_bytes > node.memory_bytes) return false;
  return std::all_of(spec.resources.begin(), spec.resources.end(), [&](const auto& wanted) {
    const auto held = node.resources.find(wanted.first);
    return held != node.resources.end() && held->second >= wanted.second;
  });
}

}  // namespace bramble::aggregator
