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

bool could_hold(const NodeView& node, const JobSpec& job) {
  if (job.needs_files() && !node.files) return false;
  return job.where.allow(node.name, node.arch) && could_hold(node, job.task);
}

Shape shape_of(const JobSpec& job) {
  const wire::TaskSpec& task = job.task;
  return {task.cpus, task.memory_bytes, task.resources, task.isolate, job.where.on, job.where.arch, job.needs_files()};
}

}  // namespace bramble::aggregator
