// Placing work on nodes, and sending each node what a step has gathered for it.
#include <algorithm>

#include "aggregator/core/internal.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMaxJobsConsidered = 100;
constexpr size_t kMaxLaunchesInMessage = 128;
constexpr size_t kMaxKeysInMessage = 2000;
constexpr size_t kMaxSpecBytesInMessage = 256 << 10;
constexpr double kShortTaskMs = 100;      // shorter ones are not worth a recall,
constexpr double kWorthwhileWaitMs = 300;  // unless they would wait this long

NodeView view_of(const Node& node, NodeIndex index) {
  const auto& status = node.record.status;
  NodeView view;
  view.index = index;
  view.slots = status.cores;
  view.memory_bytes = status.memory_bytes;
  view.resources = status.resources;
  view.free_slots = int64_t{status.cores} - node.use.slots;
  view.free_memory_bytes = static_cast<int64_t>(status.memory_bytes) - node.use.memory_bytes;
  view.free_resources = status.resources;
  for (const auto& [name, amount] : node.use.resources) view.free_resources[name] -= amount;
  view.unstarted = node.unstarted;
  if (node.telemetry && node.telemetry->values.contains("load1")) {
    view.load = node.telemetry->values.at("load1") / std::max(1U, status.cores);
  }
  return view;
}

uint32_t room_of(const Job& job) {
  const uint32_t limit = job.record.spec.max_running;
  if (limit == 0) return kNoLimit;
  return job.at_nodes >= limit ? 0 : limit - static_cast<uint32_t>(job.at_nodes);
}

Snapshot take_snapshot(const State& state) {
  Snapshot snapshot;
  for (NodeIndex index = 0; index < state.nodes.size(); ++index) {
    if (is_schedulable(state.nodes[index])) snapshot.nodes.push_back(view_of(state.nodes[index], index));
  }
  for (const auto& [order, id] : state.ready_order) {
    const Job& job = state.jobs.at(id);
    const uint32_t room = room_of(job);
    if (room == 0) continue;
    snapshot.jobs.push_back({id, job.record.spec.priority, &job.record.spec.task, job.ready(), room,
                             static_cast<int64_t>(job.mean_ms + 0.5)});
    if (snapshot.jobs.size() == kMaxJobsConsidered) break;
  }
  return snapshot;
}

}  // namespace

void schedule(State& state, Effects& effects, Now now) {
  if (!state.schedule_needed || !state.connected) return;
  state.schedule_needed = false;
  if (state.ready_order.empty()) return;
  const Snapshot snapshot = take_snapshot(state);
  if (snapshot.nodes.empty() || snapshot.jobs.empty()) return;
  for (const Placement& placement : state.scheduler(snapshot)) {
    Job& job = state.jobs.at(placement.job);
    for (uint32_t i = 0; i < placement.count; ++i) assign_next(state, effects, now, job, placement.node);
  }
}

namespace {

int64_t idle_slots(const State& state) {
  int64_t idle = 0;
  for (const Node& node : state.nodes) {
    if (is_schedulable(node)) idle += std::max<int64_t>(0, int64_t{node.record.status.cores} - node.use.slots);
  }
  return idle;
}

bool is_worth_a_recall(const Node& node, const Job& job) {
  if (job.mean_ms == 0 || job.mean_ms >= kShortTaskMs) return true;
  return node.unstarted * job.mean_ms / std::max(1U, node.record.status.cores) > kWorthwhileWaitMs;
}

// The newest of a node's unstarted attempts, at most `limit`.
std::vector<AttemptKey> recallable(const State& state, const Node& node, size_t limit, bool all) {
  std::vector<AttemptKey> keys;
  for (const auto& key : node.attempts) {
    const Attempt& attempt = state.attempts.at(key);
    if (attempt.running || attempt.recalled || attempt.cancel || !attempt.answered || attempt.result) continue;
    if (all || is_worth_a_recall(node, state.jobs.at(key.job))) keys.push_back(key);
  }
  std::sort(keys.rbegin(), keys.rend());
  if (keys.size() > limit) keys.resize(limit);
  return keys;
}

int64_t recall(State& state, Now now, Node& node, size_t limit, bool all) {
  const auto keys = recallable(state, node, limit, all);
  for (const auto& key : keys) {
    Attempt& attempt = state.attempts.at(key);
    attempt.recalled = true;
    attempt.sent = now.mono;
    node.outbox.recall.push_back(key);
  }
  return static_cast<int64_t>(keys.size());
}

}  // namespace

void rebalance(State& state, Now now) {
  int64_t idle = state.ready_order.empty() ? idle_slots(state) : 0;
  for (Node& node : state.nodes) {
    if (node.state != NodeState::on || node.unstarted == 0) continue;
    if (node.record.drained) {
      recall(state, now, node, node.unstarted, true);
    } else if (idle > 0) {
      idle -= recall(state, now, node, static_cast<size_t>(idle), false);
    }
  }
}

void resend(State& state, Now now) {
  for (auto& [key, attempt] : state.attempts) {
    if (attempt.lost || now.mono - attempt.sent < state.config.resend_ms) continue;
    Node& node = state.nodes[attempt.node];
    if (node.state != NodeState::on) continue;
    const bool says_launch = !attempt.answered && !attempt.cancel;
    if (!says_launch && !attempt.cancel && !attempt.recalled) continue;
    attempt.sent = now.mono;
    if (attempt.cancel) {
      node.outbox.cancel.push_back(key);
    } else if (says_launch) {
      const Job& job = state.jobs.at(key.job);
      const Task& task = state.tasks.at(key.task_key());
      node.outbox.specs.try_emplace(key.job, job.record.spec.task);
      node.outbox.launch.push_back({key, task.stdin_blob ? task.stdin_blob : job.record.spec.stdin_blob});
    } else if (!attempt.running && !attempt.result) {
      node.outbox.recall.push_back(key);
    }
  }
  for (Node& node : state.nodes) {
    if (node.state != NodeState::on) continue;
    for (auto& [key, sent] : node.strays) {
      if (now.mono - sent < state.config.resend_ms) continue;
      sent = now.mono;
      node.outbox.cancel.push_back(key);
    }
  }
}

namespace {

template <typename T>
std::vector<T> take_front(std::vector<T>& from, size_t limit) {
  if (from.size() <= limit) return std::exchange(from, {});
  std::vector<T> taken(std::make_move_iterator(from.begin()), std::make_move_iterator(from.begin() + static_cast<ptrdiff_t>(limit)));
  from.erase(from.begin(), from.begin() + static_cast<ptrdiff_t>(limit));
  return taken;
}

size_t spec_bytes(const wire::TaskSpec& spec) {
  size_t bytes = 200;
  for (const auto& argument : spec.argv) bytes += argument.size() + 4;
  for (const auto& [name, value] : spec.env) bytes += name.size() + value.size() + 8;
  return bytes;
}

// Launches as many as a message may hold, with the specs that they name.
void take_launches(wire::TasksMessage& box, wire::TasksMessage& message) {
  size_t count = 0;
  size_t bytes = 0;
  for (; count < box.launch.size() && count < kMaxLaunchesInMessage; ++count) {
    const JobId job = box.launch[count].id.job;
    if (message.specs.contains(job)) continue;
    const auto& spec = box.specs.at(job);
    bytes += spec_bytes(spec);
    if (count > 0 && bytes > kMaxSpecBytesInMessage) break;
    message.specs.emplace(job, spec);
  }
  message.launch = take_front(box.launch, count);
  if (box.launch.empty()) box.specs.clear();
}

bool has_news(const wire::TasksMessage& box) {
  return box.welcome || box.refusal || box.ask_status || box.echo || !box.launch.empty() || !box.cancel.empty() ||
         !box.recall.empty() || !box.ack.empty() || !box.done.empty();
}

wire::TasksMessage next_message(const State& state, Node& node) {
  auto& box = node.outbox;
  wire::TasksMessage message;
  message.store = state.store;
  message.term = state.term;
  message.session = node.session;
  message.welcome = std::exchange(box.welcome, {});
  message.refusal = std::exchange(box.refusal, {});
  message.ask_status = std::exchange(box.ask_status, false);
  message.echo = std::exchange(box.echo, {});
  message.cancel = take_front(box.cancel, kMaxKeysInMessage);
  message.recall = take_front(box.recall, kMaxKeysInMessage);
  message.ack = take_front(box.ack, kMaxKeysInMessage);
  message.done = take_front(box.done, kMaxKeysInMessage);
  take_launches(box, message);
  return message;
}

}  // namespace

void flush(State& state, Effects& effects) {
  for (Node& node : state.nodes) {
    if (!state.connected) {
      node.outbox = {};  // everything in it is said again
      continue;
    }
    while (has_news(node.outbox)) {
      const auto message = next_message(state, node);
      effects.publish.push_back(
          {state.topics.node(node.record.status.node, wire::NodeTopic::tasks), wire::encode(message), 1, false});
    }
  }
}

}  // namespace bramble::aggregator
