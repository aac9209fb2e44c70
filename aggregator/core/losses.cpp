// Attempts at nodes that are not heard: what is told of them, when their tasks run again, and the proof of their death.
//
// With `rerun` a task runs again elsewhere as soon as its node counts as lost, with `fail` never. With `fence` it waits
// for proof that the old attempt is dead: its lease has ended (common/base/lease.hpp), the same machine has booted
// anew, or its power is off. The old attempt stays open in each case: whichever attempt ends first commits.
#include <algorithm>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/reactor.hpp"

namespace bramble::aggregator {
namespace {

NodeLossPolicy policy_of(const State& state, const AttemptKey& key) {
  return state.jobs.at(key.job).record.spec.on_node_loss;
}

bool has_live_attempt(const State& state, const Task& task) {
  return std::any_of(task.open.begin(), task.open.end(),
                     [&](const AttemptKey& key) { return !state.attempts.at(key).lost; });
}

// Of several that are lost each must be proved dead: after a restart the proof of an older one is not known any more.
bool may_live_on(const State& state, const Task& task) {
  return std::any_of(task.open.begin(), task.open.end(),
                     [&](const AttemptKey& key) { return !state.attempts.at(key).dead; });
}

void mark_lost(State& state, Attempt& attempt) {
  stop_pulls(state, attempt);
  detach(state, attempt);
  attempt.lost = true;
  state.nodes[attempt.node].lost_attempts.insert(attempt.key);
  if (policy_of(state, attempt.key) == NodeLossPolicy::fence && !attempt.dead) state.unproved.insert(attempt.key);
}

// Its node is lost: what now?
void settle_lost(State& state, Effects& effects, Now now, const TaskKey& key) {
  Task& task = state.tasks.at(key);
  if (has_live_attempt(state, task) || task.is_queued()) return;
  const auto& job = state.jobs.at(key.job).record;
  // Cancelled means, for a fenced one, that it does not run any more: it could be tried again at once.
  if (job.progress.cancel_requested && !is_in_other_hands(state, task)) {
    return end_task(state, effects, now, key, TaskState::cancelled, 0);
  }
  switch (job.spec.on_node_loss) {
    case NodeLossPolicy::rerun:
      return requeue(state, effects, key, task);
    case NodeLossPolicy::fail:
      return end_task(state, effects, now, key, TaskState::failed, 0);
    case NodeLossPolicy::fence:
      return set_task_state(state, effects, key, TaskState::silent);
  }
}

std::vector<AttemptKey> sorted(const std::unordered_set<AttemptKey>& set) {
  std::vector<AttemptKey> keys(set.begin(), set.end());
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace

void fall_silent(State& state, Effects& effects, Node& node) {
  node.state = NodeState::silent;
  effects.warn("node " + node.record.status.node + " is silent");
  for (const auto& key : sorted(node.attempts)) {
    if (!state.tasks.at(key.task_key()).is_queued()) {
      set_task_state(state, effects, key.task_key(), TaskState::silent);
    }
  }
}

void lose_attempts(State& state, Effects& effects, Now now, Node& node) {
  if (node.state != NodeState::stopped) node.state = NodeState::lost;
  state.blob_groups.forget(static_cast<NodeIndex>(&node - state.nodes.data()));
  const auto keys = sorted(node.attempts);
  if (!keys.empty()) {
    effects.warn("node " + node.record.status.node + " is not heard: " + std::to_string(keys.size()) +
                 " attempts that it holds are given up for now");
  }
  for (const auto& key : keys) {
    mark_lost(state, state.attempts.at(key));
    settle_lost(state, effects, now, key.task_key());
  }
}

void keep_as_lost(State& state, Effects& effects, const AttemptKey& key) {
  Attempt& attempt = state.attempts.at(key);
  if (attempt.lost) return;
  mark_lost(state, attempt);
  if (!state.tasks.at(key.task_key()).is_queued()) set_task_state(state, effects, key.task_key(), TaskState::silent);
}

void prove_dead(State& state, Effects& effects, Now now, const AttemptKey& key, const std::string& how) {
  state.unproved.erase(key);
  Attempt& attempt = state.attempts.at(key);
  attempt.dead = true;
  const TaskKey task_key = key.task_key();
  Task& task = state.tasks.at(task_key);
  if (may_live_on(state, task) || task.is_queued()) return;
  effects.info("attempt " + to_string(key) + " on node " + state.nodes[attempt.node].record.status.node +
               " is dead: " + how);
  if (state.jobs.at(key.job).record.progress.cancel_requested) {
    return end_task(state, effects, now, task_key, TaskState::cancelled, 0);
  }
  requeue(state, effects, task_key, task);
}

// No beat that was received later has been answered, so the node counts from no later one.
std::optional<MonoTime> proof_time(const State& state, const Attempt& attempt) {
  const int64_t lease_ms = state.jobs.at(attempt.key.job).record.spec.task.lease_ms;
  if (lease_ms == 0) return {};
  const Node& node = state.nodes[attempt.node];
  const MonoTime heard = attempt.orphan ? attempt.own_heard : node.heard.value_or(state.started);
  return lease_proof(std::max(heard, state.started), lease_ms);
}

void queue_with_care(State& state, Now now, const TaskKey& key, Task& task) {
  Job& job = state.jobs.at(key.job);
  const JobSpec& spec = job.record.spec;
  const bool was_leased = spec.on_node_loss == NodeLossPolicy::fence && spec.task.lease_ms > 0 && task.attempts > 0;
  const MonoTime proof = lease_proof(state.started, spec.task.lease_ms);
  if (was_leased && proof > now.mono) {
    task.not_before = proof;
    state.delayed.emplace(proof, key);
  } else {
    task.waiting_again = true;
    job.again.push_back(key.task);
  }
}

void watch_leases(State& state, Effects& effects, Now now) {
  const std::vector<AttemptKey> unproved(state.unproved.begin(), state.unproved.end());
  for (const auto& key : unproved) {
    const auto found = state.attempts.find(key);
    if (found == state.attempts.end()) continue;  // ended with another one's task
    const auto proof = proof_time(state, found->second);
    if (proof && now.mono >= *proof) prove_dead(state, effects, now, key, "its lease has ended");
  }
}

void on_power_off(State& state, Effects& effects, Now now, const std::string& name) {
  Node* node = find_node(state, name);
  if (node == nullptr) return;
  node->session = 0;
  lose_attempts(state, effects, now, *node);
  for (const auto& key : sorted(node->lost_attempts)) {
    const auto found = state.attempts.find(key);
    // What another agent of this name had been given may run elsewhere.
    if (found == state.attempts.end() || found->second.dead || found->second.orphan) continue;
    found->second.dead = true;
    if (policy_of(state, key) == NodeLossPolicy::fence) {
      prove_dead(state, effects, now, key, "its node's power is off");
    }
  }
}

}  // namespace bramble::aggregator
