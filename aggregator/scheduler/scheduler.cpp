#include "aggregator/scheduler/scheduler.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "aggregator/core/fit.hpp"

namespace bramble::aggregator {
namespace {

// How many more tasks of this shape fit into the node's free room.
uint64_t free_room(const NodeView& node, const wire::TaskSpec& spec) {
  int64_t room = std::max<int64_t>(0, node.free_slots) / std::max<int64_t>(1, spec.cpus);
  if (spec.memory_bytes > 0) {
    room = std::min(room, std::max<int64_t>(0, node.free_memory_bytes) / static_cast<int64_t>(spec.memory_bytes));
  }
  for (const auto& [name, amount] : spec.resources) {
    if (amount <= 0) continue;
    const auto held = node.free_resources.find(name);
    if (held == node.free_resources.end()) return 0;
    room = std::min(room, std::max<int64_t>(0, held->second) / amount);
  }
  return static_cast<uint64_t>(room);
}

int64_t rounded_up(int64_t value, int64_t divisor) { return value <= 0 ? 0 : (value + divisor - 1) / divisor; }

// How many tasks, counted in this shape, were sent to the node beyond its room.
uint32_t waiting_at(const NodeView& node, const wire::TaskSpec& spec) {
  int64_t waiting = rounded_up(-node.free_slots, std::max<int64_t>(1, spec.cpus));
  if (spec.memory_bytes > 0) {
    waiting = std::max(waiting, rounded_up(-node.free_memory_bytes, static_cast<int64_t>(spec.memory_bytes)));
  }
  for (const auto& [name, amount] : spec.resources) {
    const auto held = node.free_resources.find(name);
    if (amount > 0 && held != node.free_resources.end()) {
      waiting = std::max(waiting, rounded_up(-held->second, amount));
    }
  }
  return static_cast<uint32_t>(std::min<int64_t>(waiting, kNoLimit));
}

// How many tasks of the job may wait at the node.
uint32_t ahead_limit(const NodeView& node, const JobView& job, const SchedulerOptions& options) {
  const uint32_t at_once = std::max<uint32_t>(1, node.slots / std::max<uint32_t>(1, job.spec->cpus));
  if (job.mean_ms <= 0) return std::min(at_once, options.max_ahead);
  const int64_t tasks = at_once * options.ahead_ms / job.mean_ms;
  return static_cast<uint32_t>(std::clamp<int64_t>(tasks, at_once, options.max_ahead));
}

bool could_hold(const NodeView& node, const JobView& job) {
  if (job.needs_files && !node.files) return false;
  if (std::find(job.avoided.begin(), job.avoided.end(), node.index) != job.avoided.end()) return false;
  if (job.where != nullptr && !job.where->allow(node.name, node.arch)) return false;
  return aggregator::could_hold(node, *job.spec);
}

class Placing {
 public:
  Placing(const Snapshot& snapshot, const SchedulerOptions& options) : nodes_(snapshot.nodes), options_(options) {}

  void place(const JobView& job) {
    uint64_t left = std::min<uint64_t>(job.ready, job.room);
    counts_.assign(nodes_.size(), 0);
    find_near(job);
    left -= fill_free_room(job, left);
    send_ahead(job, left);
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (counts_[i] > 0) placements_.push_back({job.id, nodes_[i].index, counts_[i]});
    }
  }

  std::vector<Placement> take() { return std::move(placements_); }

 private:
  void give(size_t i, const wire::TaskSpec& spec, uint32_t count) {
    NodeView& node = nodes_[i];
    node.free_slots -= int64_t{spec.cpus} * count;
    node.free_memory_bytes -= static_cast<int64_t>(spec.memory_bytes) * count;
    for (const auto& [name, amount] : spec.resources) node.free_resources[name] -= amount * count;
    counts_[i] += count;
  }

  std::optional<size_t> place_of(uint32_t index) {
    if (places_.empty()) {
      for (size_t i = 0; i < nodes_.size(); ++i) places_[nodes_[i].index] = i;
    }
    const auto found = places_.find(index);
    return found == places_.end() ? std::nullopt : std::optional(found->second);
  }

  // How much of what the job's tasks need does not have to be moved.
  void find_near(const JobView& job) {
    near_bytes_.assign(nodes_.size(), 0);
    for (const PlacedInput& input : job.inputs) {
      for (const uint32_t index : *input.nodes) {
        if (const auto i = place_of(index)) near_bytes_[*i] += input.size_bytes;
      }
    }
  }

  // One task at a time to the node with the most of its inputs; of these to the one with the largest share of its slots
  // free, which spreads evenly over nodes of any size. Only free nodes are compared: no slot stays empty for an input.
  uint64_t fill_free_room(const JobView& job, uint64_t limit) {
    const auto worse = [&](size_t a, size_t b) {
      if (near_bytes_[a] != near_bytes_[b]) return near_bytes_[a] < near_bytes_[b];
      return is_emptier(nodes_[b], nodes_[a]);
    };
    std::vector<size_t> heap;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (could_hold(nodes_[i], job) && free_room(nodes_[i], *job.spec) > 0) heap.push_back(i);
    }
    std::make_heap(heap.begin(), heap.end(), worse);
    uint64_t placed = 0;
    while (placed < limit && !heap.empty()) {
      std::pop_heap(heap.begin(), heap.end(), worse);
      const size_t i = heap.back();
      give(i, *job.spec, 1);
      ++placed;
      if (free_room(nodes_[i], *job.spec) > 0) {
        std::push_heap(heap.begin(), heap.end(), worse);
      } else {
        heap.pop_back();
      }
    }
    return placed;
  }

  void send_ahead(const JobView& job, uint64_t limit) {
    std::vector<std::pair<size_t, uint32_t>> able;  // node, limit
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (!could_hold(nodes_[i], job)) continue;
      const uint32_t most = ahead_limit(nodes_[i], job, options_);
      if (waiting_at(nodes_[i], *job.spec) < most) able.emplace_back(i, most);
    }
    // In rounds of a quarter of a node's limit, so that a short queue is shared evenly and a long one costs little.
    while (limit > 0 && !able.empty()) {
      std::erase_if(able, [&](const auto& entry) {
        const auto [i, most] = entry;
        const uint32_t portion = std::min({std::max(1U, most / 4), most - waiting_at(nodes_[i], *job.spec),
                                           static_cast<uint32_t>(std::min<uint64_t>(limit, kNoLimit))});
        give(i, *job.spec, portion);
        limit -= portion;
        return limit == 0 || waiting_at(nodes_[i], *job.spec) >= most;
      });
    }
  }

  static bool is_emptier(const NodeView& a, const NodeView& b) {
    const int64_t left = a.free_slots * int64_t{b.slots};
    const int64_t right = b.free_slots * int64_t{a.slots};
    if (left != right) return left > right;
    if (a.load != b.load) return a.load < b.load;
    return a.index < b.index;
  }

  std::vector<NodeView> nodes_;
  SchedulerOptions options_;
  std::unordered_map<uint32_t, size_t> places_;  // in nodes_, by NodeView::index; made when it is needed
  std::vector<uint64_t> near_bytes_;             // of this job's inputs, for each node
  std::vector<uint32_t> counts_;
  std::vector<Placement> placements_;
};

}  // namespace

std::vector<Placement> place(const Snapshot& snapshot, const SchedulerOptions& options) {
  Placing placing(snapshot, options);
  for (const JobView& job : snapshot.jobs) placing.place(job);
  return placing.take();
}

}  // namespace bramble::aggregator
