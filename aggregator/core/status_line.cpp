#include "aggregator/core/status_line.hpp"

#include <algorithm>

namespace bramble::aggregator {
namespace {

struct NodeCounts {
  size_t silent = 0;   // lost ones too
  size_t unheard = 0;  // since the start
  size_t stopped = 0;
};

NodeCounts count_nodes(const State& state) {
  NodeCounts counts;
  for (const Node& node : state.nodes) {
    const bool silent = node.state == NodeState::silent || node.state == NodeState::lost;
    counts.silent += silent ? 1 : 0;
    counts.unheard += node.state == NodeState::unknown ? 1 : 0;
    counts.stopped += node.state == NodeState::stopped ? 1 : 0;
  }
  return counts;
}

std::string nodes_text(const State& state) {
  const NodeCounts counts = count_nodes(state);
  std::string others;
  const auto add = [&others](size_t count, const char* what) {
    if (count == 0) return;
    if (!others.empty()) others += ", ";
    others += std::to_string(count) + what;
  };
  add(counts.silent, " silent");
  add(counts.stopped, " stopped");
  add(counts.unheard, " not heard yet");
  const size_t all = state.nodes.size();
  const std::string text = std::to_string(all) + (all == 1 ? " node" : " nodes");
  return others.empty() ? text : text + " (" + others + ")";
}

std::string tasks_text(const State& state) {
  uint64_t open = 0;
  uint64_t running = 0;
  for (const auto& [id, job] : state.jobs) {
    const TaskCounts& counts = job.record.progress.counts;
    open += counts.total - counts.ended();
    running += job.running;
  }
  if (open == 0) return "no work";
  const uint64_t queued = open - std::min(open, running);
  return std::to_string(queued) + (queued == 1 ? " task queued, " : " tasks queued, ") + std::to_string(running) +
         " running";
}

}  // namespace

std::string status_line(const State& state) {
  const std::string line = nodes_text(state) + ", " + tasks_text(state);
  if (!state.gone_back.empty()) return "does nothing: " + state.gone_back;
  return state.connected ? line : "the broker is not reached, trying; " + line;
}

}  // namespace bramble::aggregator
