// Placing work on nodes, and sending each node what a step has gathered for it.
#include <algorithm>

#include "aggregator/core/fit.hpp"
#include "aggregator/core/internal.hpp"
#include "common/wire/input_files.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMaxJobsConsidered = 500;
constexpr size_t kMaxJobsOfOneShape = 50;    // so that jobs which must wait do not hide those behind them
constexpr size_t kMaxJobsLookedAt = 10'000;  // for both
constexpr size_t kMaxReadyLookedAt = 256;
constexpr int kMaxRounds = 100;
constexpr size_t kMaxLaunchesInMessage = 128;
constexpr size_t kMaxKeysInMessage = 2000;
constexpr size_t kMaxSpecBytesInMessage = 256 << 10;
constexpr size_t kFileBytesInMessage = 150 + 2 * wire::kMaxFileNameBytes;  // with what JSON makes of a name
constexpr int64_t kAvoidFullMs = 60'000;
constexpr double kShortTaskMs = 100;       // shorter ones are not worth a recall,
constexpr double kWorthwhileWaitMs = 300;  // unless they would wait this long

}  // namespace

NodeView view_of(const Node& node, NodeIndex index) {
  const auto& status = node.record.status;
  NodeView view;
  view.index = index;
  view.name = status.node;
  view.arch = status.arch;
  view.slots = status.cores;
  view.memory_bytes = status.memory_bytes;
  view.resources = status.resources;
  view.sandbox = status.containment.sandbox;
  view.files = status.containment.files;
  view.free_slots = int64_t{status.cores} - node.use.slots;
  view.free_memory_bytes = static_cast<int64_t>(status.memory_bytes) - node.use.memory_bytes;
  view.free_resources = status.resources;
  for (const auto& [name, amount] : node.use.resources) view.free_resources[name] -= amount;
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

namespace {

std::vector<PlacedInput> placed_inputs(const State& state, const JobSpec& spec) {
  std::vector<PlacedInput> inputs;
  for_each_blob(spec.stdin_blob, spec.task.files, [&](const wire::BlobRef& blob) {
    if (const auto* nodes = state.blob_places.nodes_with(blob.sha256)) inputs.push_back({blob.size_bytes, nodes});
  });
  return inputs;
}

bool is_avoided(const Job& job, NodeIndex node, Now now) {
  const auto found = job.no_room.find(node);
  return found != job.no_room.end() && now.mono - found->second < kAvoidFullMs;
}

// None where no other node is left: then the room may be made meanwhile, and is tried.
std::vector<uint32_t> avoided_nodes(const Job& job, const std::vector<NodeView>& nodes, Now now) {
  std::vector<uint32_t> avoided;
  if (job.no_room.empty()) return avoided;
  bool others = false;
  for (const NodeView& node : nodes) {
    if (!could_hold(node, job.record.spec)) continue;
    if (is_avoided(job, node.index, now)) {
      avoided.push_back(node.index);
    } else {
      others = true;
    }
  }
  return others ? avoided : std::vector<uint32_t>();
}

// The jobs that come first, of each shape that some node could hold.
void add_jobs(const State& state, Snapshot& snapshot, Now now) {
  std::map<Shape, size_t> taken;
  size_t looked_at = 0;
  for (const auto& [order, id] : state.ready_order) {
    if (++looked_at > kMaxJobsLookedAt || snapshot.jobs.size() == kMaxJobsConsidered) return;
    const Job& job = state.jobs.at(id);
    const uint32_t room = room_of(job);
    if (room == 0) continue;
    const JobSpec& spec = job.record.spec;
    const auto [entry, is_new] = taken.try_emplace(shape_of(spec), 0);
    const auto holds = [&](const NodeView& node) { return could_hold(node, spec); };
    if (is_new && std::none_of(snapshot.nodes.begin(), snapshot.nodes.end(), holds)) entry->second = kMaxJobsOfOneShape;
    if (entry->second == kMaxJobsOfOneShape) continue;
    ++entry->second;
    snapshot.jobs.push_back({id, spec.priority, &spec.task, job.ready(), room, static_cast<int64_t>(job.mean_ms + 0.5),
                             &spec.where, spec.needs_files(), placed_inputs(state, spec),
                             avoided_nodes(job, snapshot.nodes, now)});
  }
}

Snapshot take_snapshot(const State& state, Now now) {
  Snapshot snapshot;
  for (NodeIndex index = 0; index < state.nodes.size(); ++index) {
    if (is_schedulable(state.nodes[index])) snapshot.nodes.push_back(view_of(state.nodes[index], index));
  }
  if (!snapshot.nodes.empty()) add_jobs(state, snapshot, now);
  return snapshot;
}

// Whether something was placed and jobs are left that were not looked at.
bool place_once(State& state, Effects& effects, Now now) {
  const Snapshot snapshot = take_snapshot(state, now);
  if (snapshot.jobs.empty()) return false;
  const auto placements = state.scheduler(snapshot);
  for (const Placement& placement : placements) {
    Job& job = state.jobs.at(placement.job);
    for (uint32_t i = 0; i < placement.count; ++i) assign_next(state, effects, now, job, placement.node);
  }
  return !placements.empty() && state.ready_order.size() > snapshot.jobs.size();
}

}  // namespace

void avoid_full_node(State& state, Now now, Job& job, NodeIndex node) {
  job.no_room[node] = now.mono;
  state.no_room_until = now.mono + kAvoidFullMs;
}

void schedule(State& state, Effects& effects, Now now) {
  if (state.no_room_until && *state.no_room_until <= now.mono) {
    state.no_room_until.reset();
    state.schedule_needed = true;
  }
  if (!state.schedule_needed || !state.connected || !state.gone_back.empty()) return;
  state.schedule_needed = false;
  for (int round = 0; round < kMaxRounds && !state.ready_order.empty(); ++round) {
    if (!place_once(state, effects, now)) return;
  }
}

namespace {

// Takes one more task of the job out of the node's free room, if it fits there now.
bool take_room(NodeView& node, const JobSpec& job) {
  const wire::TaskSpec& task = job.task;
  if (!could_hold(node, job)) return false;
  if (node.free_slots < int64_t{task.cpus}) return false;
  if (node.free_memory_bytes < static_cast<int64_t>(task.memory_bytes)) return false;
  for (const auto& [name, amount] : task.resources) {
    if (node.free_resources[name] < amount) return false;
  }
  node.free_slots -= int64_t{task.cpus};
  node.free_memory_bytes -= static_cast<int64_t>(task.memory_bytes);
  for (const auto& [name, amount] : task.resources) node.free_resources[name] -= amount;
  return true;
}

// Nodes with room that nothing was sent to yet.
std::vector<NodeView> free_rooms(const State& state) {
  std::vector<NodeView> rooms;
  for (NodeIndex index = 0; index < state.nodes.size(); ++index) {
    if (!is_schedulable(state.nodes[index])) continue;
    NodeView view = view_of(state.nodes[index], index);
    if (view.free_slots > 0) rooms.push_back(std::move(view));
  }
  return rooms;
}

// What waits to be placed has these first; where very much waits, it has all of them.
void leave_to_ready(const State& state, std::vector<NodeView>& rooms) {
  size_t jobs = 0;
  for (const auto& [priority, id] : state.ready_order) {
    if (++jobs > kMaxReadyLookedAt) return rooms.clear();
    const Job& job = state.jobs.at(id);
    for (uint64_t left = job.ready(); left > 0; --left) {
      const JobSpec& spec = job.record.spec;
      if (std::none_of(rooms.begin(), rooms.end(), [&](NodeView& room) { return take_room(room, spec); })) break;
    }
  }
}

// How many of the tasks at the node wait for others there to end.
size_t waiting_tasks(const Node& node) {
  const auto& status = node.record.status;
  const int64_t over = node.use.slots - int64_t{status.cores};
  if (over > 0) return std::min<size_t>(static_cast<size_t>(over), node.unstarted);
  const bool over_memory = node.use.memory_bytes > static_cast<int64_t>(status.memory_bytes);
  const bool over_resources = std::any_of(node.use.resources.begin(), node.use.resources.end(), [&](const auto& used) {
    const auto held = status.resources.find(used.first);
    return used.second > (held == status.resources.end() ? 0 : held->second);
  });
  return over_memory || over_resources ? std::min<size_t>(1, node.unstarted) : 0;
}

bool is_worth_a_recall(const Node& node, const Job& job) {
  if (job.mean_ms == 0 || job.mean_ms >= kShortTaskMs) return true;
  return node.unstarted * job.mean_ms / std::max(1U, node.record.status.cores) > kWorthwhileWaitMs;
}

// A node's unstarted attempts, the newest first.
std::vector<AttemptKey> recallable(const State& state, const Node& node) {
  std::vector<AttemptKey> keys;
  for (const auto& key : node.attempts) {
    const Attempt& attempt = state.attempts.at(key);
    if (attempt.running || attempt.recalled || attempt.cancel || !attempt.answered || attempt.result) continue;
    keys.push_back(key);
  }
  std::sort(keys.rbegin(), keys.rend());
  return keys;
}

void recall(State& state, Now now, Node& node, const AttemptKey& key) {
  Attempt& attempt = state.attempts.at(key);
  attempt.recalled = true;
  attempt.sent = now.mono;
  mail_to(state, node).recall.push_back(key);
}

// Takes from a node what waits there and would start at once elsewhere.
void share_out(State& state, Now now, Node& node, std::vector<NodeView>& rooms) {
  size_t limit = waiting_tasks(node);
  if (limit == 0) return;
  for (const auto& key : recallable(state, node)) {
    const Job& job = state.jobs.at(key.job);
    const JobSpec& spec = job.record.spec;
    if (!is_worth_a_recall(node, job)) continue;
    const auto takes = [&](NodeView& room) { return !is_avoided(job, room.index, now) && take_room(room, spec); };
    if (std::none_of(rooms.begin(), rooms.end(), takes)) continue;
    recall(state, now, node, key);
    if (--limit == 0) return;
  }
}

}  // namespace

void rebalance(State& state, Now now) {
  std::vector<NodeView> rooms = free_rooms(state);
  if (!rooms.empty()) leave_to_ready(state, rooms);
  for (Node& node : state.nodes) {
    if (node.state != NodeState::on || node.unstarted == 0) continue;
    if (node.record.drained || node.gives_back) {
      for (const auto& key : recallable(state, node)) recall(state, now, node, key);
    } else if (!rooms.empty()) {
      share_out(state, now, node, rooms);
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
      mail_to(state, node).cancel.push_back(key);
    } else if (says_launch) {
      const Job& job = state.jobs.at(key.job);
      const Task& task = state.tasks.at(key.task_key());
      mail_launch(state, now, node, key, job, task);
    } else if (!attempt.running && !attempt.result) {
      mail_to(state, node).recall.push_back(key);
    }
  }
  for (Node& node : state.nodes) {
    if (node.state != NodeState::on) continue;
    for (auto& [key, sent] : node.strays) {
      if (now.mono - sent < state.config.resend_ms) continue;
      sent = now.mono;
      mail_to(state, node).cancel.push_back(key);
    }
  }
}

namespace {

template <typename T>
std::vector<T> take_front(std::vector<T>& from, size_t limit) {
  if (from.size() <= limit) return std::exchange(from, {});
  std::vector<T> taken(std::make_move_iterator(from.begin()),
                       std::make_move_iterator(from.begin() + static_cast<ptrdiff_t>(limit)));
  from.erase(from.begin(), from.begin() + static_cast<ptrdiff_t>(limit));
  return taken;
}

size_t spec_bytes(const wire::TaskSpec& spec) {
  size_t bytes = 200;
  for (const auto& argument : spec.argv) bytes += argument.size() + 4;
  for (const auto& [name, value] : spec.env) bytes += name.size() + value.size() + 8;
  return bytes + spec.files.size() * kFileBytesInMessage;
}

// Launches as many as a message may hold, with the specs that they name.
void take_launches(wire::TasksMessage& box, wire::TasksMessage& message) {
  size_t count = 0;
  size_t bytes = 0;
  for (; count < box.launch.size() && count < kMaxLaunchesInMessage; ++count) {
    const JobId job = box.launch[count].id.job;
    const auto& spec = box.specs.at(job);
    bytes += box.launch[count].files.size() * kFileBytesInMessage;
    if (!message.specs.contains(job)) bytes += spec_bytes(spec);
    if (count > 0 && bytes > kMaxSpecBytesInMessage) break;
    message.specs.try_emplace(job, spec);
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

void mail_launch(State& state, Now now, Node& node, const AttemptKey& key, const Job& job, const Task& task) {
  expect_pulls(state, now, node, job, task);
  wire::TasksMessage& mail = mail_to(state, node);
  mail.specs.try_emplace(key.job, job.record.spec.task);
  mail.launch.push_back({key, task.stdin_blob ? task.stdin_blob : job.record.spec.stdin_blob, task.files});
}

wire::TasksMessage& mail_to(State& state, Node& node) {
  if (!node.has_mail) state.mail.push_back(static_cast<NodeIndex>(&node - state.nodes.data()));
  node.has_mail = true;
  return node.outbox;
}

void flush(State& state, Effects& effects) {
  for (const NodeIndex index : std::exchange(state.mail, {})) {
    Node& node = state.nodes[index];
    node.has_mail = false;
    if (!state.connected || !state.gone_back.empty()) {
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
