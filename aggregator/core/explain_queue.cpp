// Why a task that is at no node waits: for nodes, for its job's own limit, for other jobs.
#include <algorithm>
#include <map>
#include <tuple>

#include "aggregator/core/explain.hpp"
#include "aggregator/core/fit.hpp"
#include "aggregator/core/internal.hpp"
#include "common/base/size.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kNamesShown = 4;
constexpr size_t kMaxJobsCounted = 1000;

// Known by its own words, not only by a name on a topic.
bool has_come(const Node& node) { return !node.record.status.agent_id.empty(); }

// A need that a node may fail to meet: what the task asks for, and the most that any node has.
struct Need {
  std::string what;
  std::string wanted;
  std::string most;  // "4 (pi1)"
};

template <typename Amount, typename Show>
void add_unmet(std::vector<Need>& unmet, const State& state, const std::string& what, Amount wanted,
               const std::function<Amount(const wire::NodeStatus&)>& held, const Show& show) {
  const Node* best = nullptr;
  for (const Node& node : state.nodes) {
    if (!has_come(node)) continue;
    if (best == nullptr || held(node.record.status) > held(best->record.status)) best = &node;
  }
  const Amount most = held(best->record.status);
  if (most >= wanted) return;
  const std::string has = most == 0
                              ? "no node has any"
                              : "the most that a node has is " + show(most) + " (" + best->record.status.node + ")";
  unmet.push_back({what, show(wanted), has});
}

std::vector<Need> unmet_needs(const State& state, const wire::TaskSpec& spec) {
  using Status = wire::NodeStatus;
  const auto plain = [](auto amount) { return std::to_string(amount); };
  std::vector<Need> unmet;
  add_unmet<uint32_t>(
      unmet, state, "cpus", spec.cpus, [](const Status& status) { return status.cores; }, plain);
  add_unmet<uint64_t>(
      unmet, state, "memory", spec.memory_bytes, [](const Status& status) { return status.memory_bytes; },
      [](uint64_t bytes) { return format_size(bytes); });
  for (const auto& [name, amount] : spec.resources) {
    const auto held = [name = name](const Status& status) {
      const auto found = status.resources.find(name);
      return found == status.resources.end() ? int64_t{0} : found->second;
    };
    add_unmet<int64_t>(unmet, state, "resource " + name, amount, held, plain);
  }
  return unmet;
}

Reason too_large(const State& state, const wire::TaskSpec& spec) {
  std::string text;
  for (const Need& need : unmet_needs(state, spec)) {
    text += (text.empty() ? "" : ", and ") + need.what + ": it asks for " + need.wanted + " and " + need.most;
  }
  if (text.empty()) text = "each thing that it asks for is there, but not together on one node";
  return {"too_large",
          "no node could ever hold it (" + text + "): add a node that can, or cancel it and submit it with less", ""};
}

struct Closed {
  const char* word;
  const char* text;  // behind "is" or "are"
};

// Why a node takes no new work.
Closed why_closed(const State& state, const Node& node) {
  if (node.state != NodeState::on) {
    switch (power_state_of(state, node.record.status.node).value_or(PowerState::unknown)) {
      case PowerState::off:
        return {"off", "switched off: see bramble power status; bramble power on switches on"};
      case PowerState::starting:
      case PowerState::cool_down:
        return {"starting", "being started"};
      default:
        break;
    }
  }
  switch (node.state) {
    case NodeState::unknown:
      return {"unheard", "not heard since the aggregator's start: start the agent there"};
    case NodeState::joining:
      return {"joining", "joining: work is sent when it has said what it holds"};
    case NodeState::silent:
      return {"silent", "silent: look whether the machine and its agent run"};
    case NodeState::lost:
      return {"lost", "lost, not heard for long: look whether the machine and its agent run"};
    case NodeState::stopped:
      return {"stopped", "stopped, the agent said goodbye: start it there"};
    case NodeState::on:
      break;
  }
  if (node.record.drained) return {"drained", "drained: bramble node resume lets it work again"};
  if (node.power_leaves) return {"power", "being switched off, or in fault: see bramble power status"};
  return {"spool_full", "full of results that wait to be fetched: it takes work when there is room again"};
}

Reason all_closed(const State& state, const std::vector<const Node*>& able) {
  std::map<std::string, std::pair<std::string, std::vector<std::string>>> causes;
  for (const Node* node : able) {
    const Closed closed = why_closed(state, *node);
    auto& [text, names] = causes[closed.word];
    text = closed.text;
    names.push_back(node->record.status.node);
  }
  std::string text;
  for (const auto& [word, cause] : causes) {
    text += (text.empty() ? "" : "; ") + some_names(cause.second) + (cause.second.size() == 1 ? " is " : " are ") +
            cause.first;
  }
  const std::string word = causes.size() == 1 ? causes.begin()->first : "closed";
  return {word, "no node that could hold it takes work now: " + text, ""};
}

// Whether one more task would start there at once.
bool has_room(const NodeView& node, const wire::TaskSpec& spec) {
  if (node.free_slots < int64_t{spec.cpus}) return false;
  if (node.free_memory_bytes < static_cast<int64_t>(spec.memory_bytes)) return false;
  return std::all_of(spec.resources.begin(), spec.resources.end(), [&](const auto& wanted) {
    const auto free = node.free_resources.find(wanted.first);
    return free != node.free_resources.end() && free->second >= wanted.second;
  });
}

struct Before {
  size_t jobs = 0;
  const Job* first = nullptr;
};

// The jobs that are asked first and want the same nodes.
Before jobs_before(const State& state, const Job& job, const std::vector<NodeView>& nodes) {
  std::map<std::tuple<uint32_t, uint64_t, std::map<std::string, int64_t>, wire::Isolation>, bool> competes;
  Before before;
  const std::pair own{-int64_t{job.record.spec.priority}, job.record.id};
  for (const auto& entry : state.ready_order) {
    if (entry >= own || before.jobs == kMaxJobsCounted) break;
    const Job& other = state.jobs.at(entry.second);
    if (room_of(other) == 0) continue;
    const auto& spec = other.record.spec.task;
    const auto [found, is_new] =
        competes.try_emplace({spec.cpus, spec.memory_bytes, spec.resources, spec.isolate}, false);
    if (is_new) {
      found->second = std::any_of(nodes.begin(), nodes.end(), [&](const auto& node) { return could_hold(node, spec); });
    }
    if (!found->second) continue;
    if (before.jobs++ == 0) before.first = &other;
  }
  return before;
}

std::string in_words(const Before& before) {
  const auto& first = before.first->record;
  std::string text = "job " + std::to_string(first.id);
  if (first.spec.priority != 0) text += " (priority " + std::to_string(first.spec.priority) + ")";
  if (before.jobs > 1) {
    const bool more = before.jobs == kMaxJobsCounted;
    text += " and " + std::to_string(before.jobs - 1) + (more ? " or more" : "") + " other jobs";
    if (before.jobs == 2) text.pop_back();
  }
  return text;
}

Reason all_busy(const State& state, const Job& job, const std::vector<NodeView>& open, size_t able) {
  const auto& spec = job.record.spec.task;
  if (std::any_of(open.begin(), open.end(), [&](const auto& node) { return has_room(node, spec); })) {
    return {"next", "there is room on a node: about to be sent there", ""};
  }
  std::vector<std::string> names;
  for (const auto& view : open) names.push_back(state.nodes[view.index].record.status.node);
  std::string text =
      names.size() == 1 ? "the node that could hold it is busy (" : "all nodes that could hold it are busy (";
  text += some_names(names) + ")";
  if (able > open.size()) text += ", and " + std::to_string(able - open.size()) + " more take no work now";
  const Before before = jobs_before(state, job, open);
  if (before.jobs == 0) return {"busy", text + ", and no other job stands before it", ""};
  return {"behind", text + ", and " + in_words(before) + (before.jobs == 1 ? " stands" : " stand") + " before it", ""};
}

}  // namespace

std::string some_names(const std::vector<std::string>& names) {
  std::string text;
  const size_t shown = names.size() <= kNamesShown + 1 ? names.size() : kNamesShown;
  for (size_t i = 0; i < shown; ++i) {
    const bool last = i + 1 == names.size();
    text += (i == 0 ? "" : last ? " and " : ", ") + names[i];
  }
  return shown == names.size() ? text : text + " and " + std::to_string(names.size() - shown) + " more";
}

std::optional<std::string> isolation_note(const State& state, const wire::TaskSpec& spec) {
  if (spec.isolate == wire::Isolation::none) return {};
  std::map<std::string, std::vector<std::string>> causes;
  for (const Node& node : state.nodes) {
    const wire::Containment& containment = node.record.status.containment;
    if (containment.sandbox) return {};
    if (!has_come(node)) continue;
    const std::string& why = containment.no_sandbox;
    causes[why.empty() ? "it does not say that it can: is it older?" : why].push_back(node.record.status.node);
  }
  std::string text = "no node can isolate tasks";
  for (const auto& [why, names] : causes) {
    text += (text.ends_with("tasks") ? " (" : "; ") + why + " on " + some_names(names);
  }
  if (!causes.empty()) text += ")";
  return text + ": install bubblewrap, start bramble-warden again, and see bramble node info";
}

Reason why_queued(const State& state, const Job& job) {
  const auto& spec = job.record.spec;
  if (!state.connected) {
    const std::string& why = state.last_disconnect_reason;
    return {"no_broker",
            "the aggregator has no connection to the broker" + (why.empty() ? "" : " (" + why + ")") +
                ": no node can be reached until it is back",
            ""};
  }
  if (std::none_of(state.nodes.begin(), state.nodes.end(), has_come)) {
    return {"no_node", "no node has come yet: start bramble-agent and bramble-warden on one", ""};
  }
  std::vector<const Node*> able;
  std::vector<NodeView> open;
  for (NodeIndex index = 0; index < state.nodes.size(); ++index) {
    const Node& node = state.nodes[index];
    NodeView view = view_of(node, index);
    if (!has_come(node) || !could_hold(view, spec.task)) continue;
    able.push_back(&node);
    if (is_schedulable(node)) open.push_back(std::move(view));
  }
  if (able.empty()) {
    if (const auto note = isolation_note(state, spec.task)) return {"no_sandbox", *note, ""};
    return too_large(state, spec.task);
  }
  if (room_of(job) == 0) {
    return {"limit",
            "the job allows " + std::to_string(spec.max_running) + " of its tasks at nodes at once (%" +
                std::to_string(spec.max_running) + ") and so many are there: the next follows when one ends",
            ""};
  }
  if (open.empty()) return all_closed(state, able);
  return all_busy(state, job, open, able.size());
}

}  // namespace bramble::aggregator
