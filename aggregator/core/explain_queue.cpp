// Why a task that is at no node waits: for nodes, for its job's own limit, for other jobs.
#include <algorithm>
#include <map>

#include "aggregator/core/explain.hpp"
#include "aggregator/core/fit.hpp"
#include "aggregator/core/internal.hpp"
#include "common/base/size.hpp"
#include "common/base/utf8.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kNamesShown = 4;
constexpr size_t kMaxJobsCounted = 1000;
constexpr size_t kMaxSetShownBytes = 200;

// Known by its own words, not only by a name on a topic.
bool has_come(const Node& node) { return !node.record.status.agent_id.empty(); }

// A need that a node may fail to meet: what the task asks for, and the most that any node has.
struct Need {
  std::string what;
  std::string wanted;
  std::string most;  // "4 (pi1)"
};

// One that has come, of those where the job may run.
bool is_candidate(const Node& node, const JobSpec& job) {
  return has_come(node) && job.where.allow(node.record.status.node, node.record.status.arch);
}

template <typename Amount, typename Show>
void add_unmet(std::vector<Need>& unmet, const std::vector<const Node*>& nodes, const std::string& what, Amount wanted,
               const std::function<Amount(const wire::NodeStatus&)>& held, const Show& show) {
  const Node* best = nodes.front();
  for (const Node* node : nodes) {
    if (held(node->record.status) > held(best->record.status)) best = node;
  }
  const Amount most = held(best->record.status);
  if (most >= wanted) return;
  const std::string has = most == 0
                              ? "no node has any"
                              : "the most that a node has is " + show(most) + " (" + best->record.status.node + ")";
  unmet.push_back({what, show(wanted), has});
}

// What none of the nodes has, of which there is one at least.
std::vector<Need> unmet_needs(const std::vector<const Node*>& nodes, const wire::TaskSpec& spec) {
  using Status = wire::NodeStatus;
  const auto plain = [](auto amount) { return std::to_string(amount); };
  std::vector<Need> unmet;
  add_unmet<uint32_t>(
      unmet, nodes, "cpus", spec.cpus, [](const Status& status) { return status.cores; }, plain);
  add_unmet<uint64_t>(
      unmet, nodes, "memory", spec.memory_bytes, [](const Status& status) { return status.memory_bytes; },
      [](uint64_t bytes) { return format_size(bytes); });
  for (const auto& [name, amount] : spec.resources) {
    const auto held = [name = name](const Status& status) {
      const auto found = status.resources.find(name);
      return found == status.resources.end() ? int64_t{0} : found->second;
    };
    add_unmet<int64_t>(unmet, nodes, "resource " + name, amount, held, plain);
  }
  return unmet;
}

Reason too_large(const std::vector<const Node*>& nodes, const JobSpec& job) {
  std::string text;
  for (const Need& need : unmet_needs(nodes, job.task)) {
    text += (text.empty() ? "" : ", and ") + need.what + ": it asks for " + need.wanted + " and " + need.most;
  }
  if (text.empty()) text = "each thing that it asks for is there, but not together on one node";
  return {"too_large",
          (job.where == Constraints{} ? "no node" : "no node of those where it may run") +
              std::string(" could ever hold it (") + text +
              "): add a node that can, or cancel it and submit it with less",
          ""};
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
  std::map<Shape, bool> competes;
  Before before;
  const std::pair own{-int64_t{job.record.spec.priority}, job.record.id};
  for (const auto& entry : state.ready_order) {
    if (entry >= own || before.jobs == kMaxJobsCounted) break;
    const Job& other = state.jobs.at(entry.second);
    if (room_of(other) == 0) continue;
    const JobSpec& spec = other.record.spec;
    const auto [found, is_new] = competes.try_emplace(shape_of(spec), false);
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

namespace {

using Causes = std::map<std::string, std::vector<std::string>>;  // and the nodes of which each is true

std::string in_words(const Causes& causes, const char* link) {
  std::string text;
  for (const auto& [cause, names] : causes) text += (text.empty() ? "" : "; ") + cause + link + some_names(names);
  return text;
}

// Where it may run there is no node at all.
std::optional<Reason> nowhere(const State& state, const Constraints& where) {
  Causes archs;
  for (const Node& node : state.nodes) {
    const auto& status = node.record.status;
    if (!has_come(node)) continue;
    if (where.allow(status.node, status.arch)) return {};
    const bool named = where.nodes.empty() || std::binary_search(where.nodes.begin(), where.nodes.end(), status.node);
    if (named) archs[status.arch.empty() ? "unknown" : status.arch].push_back(status.node);
  }
  const std::string among = where.on.empty() ? "" : " among " + to_utf8(where.on, kMaxSetShownBytes);
  if (!archs.empty()) {
    return Reason{"no_arch",
                  "there is no " + where.arch + " node" + among + ", only " + in_words(archs, ": ") +
                      ": submit it with another --arch, or add such a node",
                  ""};
  }
  return Reason{"not_there",
                "it may run on " + to_utf8(where.on, kMaxSetShownBytes) +
                    " only, and no such node has come: start bramble-agent there, or submit it with another --on "
                    "(bramble node list shows all)",
                ""};
}

std::optional<Reason> unisolated(const std::vector<const Node*>& nodes, const wire::TaskSpec& spec) {
  if (spec.isolate == wire::Isolation::none) return {};
  Causes causes;
  for (const Node* node : nodes) {
    const wire::Containment& containment = node->record.status.containment;
    if (containment.sandbox) return {};
    const std::string& why = containment.no_sandbox;
    causes[why.empty() ? "it does not say that it can: is it older?" : why].push_back(node->record.status.node);
  }
  return Reason{"no_sandbox",
                "no node can isolate tasks (" + in_words(causes, " on ") +
                    "): install bubblewrap, start bramble-warden again, and see bramble node info",
                ""};
}

std::optional<Reason> without_files(const std::vector<const Node*>& nodes, const JobSpec& job) {
  if (!job.needs_files()) return {};
  const bool some_can =
      std::any_of(nodes.begin(), nodes.end(), [](const Node* node) { return node->record.status.containment.files; });
  if (some_can) return {};
  return Reason{
      "no_files",
      "it has input files or calls, and no node takes these: an older bramble-agent or bramble-warden runs there "
      "(upgrade it, and start both again)",
      ""};
}

// Why no node that has come could ever hold it.
Reason why_never(const State& state, const JobSpec& job) {
  if (auto reason = nowhere(state, job.where)) return *reason;
  std::vector<const Node*> nodes;
  for (const Node& node : state.nodes) {
    if (is_candidate(node, job)) nodes.push_back(&node);
  }
  if (auto reason = unisolated(nodes, job.task)) return *reason;
  if (auto reason = without_files(nodes, job)) return *reason;
  return too_large(nodes, job);
}

bool is_able(const Node& node, const JobSpec& job) { return has_come(node) && could_hold(view_of(node, 0), job); }

const Reason kNoNode{"no_node", "no node has come yet: start bramble-agent and bramble-warden on one", ""};

}  // namespace

std::vector<std::string> able_nodes(const State& state, const JobSpec& job) {
  std::vector<std::string> names;
  for (const Node& node : state.nodes) {
    if (is_able(node, job)) names.push_back(node.record.status.node);
  }
  return names;
}

std::optional<std::string> waits_for_a_node(const State& state, const JobSpec& job) {
  const auto able = [&](const Node& node) { return is_able(node, job); };
  if (std::any_of(state.nodes.begin(), state.nodes.end(), able)) return {};
  const bool some = std::any_of(state.nodes.begin(), state.nodes.end(), has_come);
  return some ? why_never(state, job).text : kNoNode.text;
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
    return kNoNode;
  }
  std::vector<const Node*> able;
  std::vector<NodeView> open;
  for (NodeIndex index = 0; index < state.nodes.size(); ++index) {
    const Node& node = state.nodes[index];
    NodeView view = view_of(node, index);
    if (!has_come(node) || !could_hold(view, spec)) continue;
    able.push_back(&node);
    if (is_schedulable(node)) open.push_back(std::move(view));
  }
  if (able.empty()) return why_never(state, spec);
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
