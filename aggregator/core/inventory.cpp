// What a node says it holds, set against what it was given: the answer to a welcome.
#include <algorithm>

#include "aggregator/core/internal.hpp"

namespace bramble::aggregator {
namespace {

// An attempt that we hold open at the node and that the node does not know never arrived, or was lost there.
void drop_unlisted(State& state, Effects& effects, Now now, Node& node) {
  std::vector<AttemptKey> missing;
  for (const auto* keys : {&node.attempts, &node.lost_attempts}) {
    for (const auto& key : *keys) {
      // A launch of this very session may have crossed the inventory on its way.
      if (!node.inventory.listed.contains(key) && state.attempts.at(key).session != node.session)
        missing.push_back(key);
    }
  }
  std::sort(missing.begin(), missing.end());
  for (const auto& key : missing) {
    const Attempt& attempt = state.attempts.at(key);
    const bool needs_proof = state.jobs.at(key.job).record.spec.on_node_loss == NodeLossPolicy::fence;
    if (attempt.orphan && needs_proof && !attempt.dead) {
      keep_as_lost(state, effects, key);
    } else {
      abandon_attempt(state, effects, now, key, attempt.rebooted ? "node restarted" : "lost");
    }
  }
}

void recall_unbegun(State& state, Now now, Attempt& attempt) {
  if (attempt.lost || attempt.running || attempt.recalled || attempt.cancel || attempt.result) return;
  attempt.recalled = true;
  attempt.sent = now.mono;
  mail_to(state, state.nodes[attempt.node]).recall.push_back(attempt.key);
}

// The original came back and there is a replacement. What has begun stays, and what ends first commits; what has not
// begun is given back, so that nothing is done twice without need. If neither has begun the original stays.
void settle_rivals(State& state, Now now, const Task& task, Attempt& original) {
  const bool replacement_runs = std::any_of(task.open.begin(), task.open.end(), [&](const AttemptKey& key) {
    const Attempt& other = state.attempts.at(key);
    return key != original.key && !other.lost && other.running;
  });
  if (replacement_runs) return recall_unbegun(state, now, original);
  for (const auto& key : task.open) {
    if (key != original.key) recall_unbegun(state, now, state.attempts.at(key));
  }
}

// What came back with its node goes on: whichever attempt of a task ends first commits. False: it is not ours, or it
// should have been dead.
bool take_back(State& state, Effects& effects, Now now, Node& node, const AttemptKey& key, bool running,
               bool finished) {
  const auto found = state.attempts.find(key);
  if (found == state.attempts.end() || &state.nodes[found->second.node] != &node) return false;
  Attempt& attempt = found->second;
  if (attempt.dead && !finished) return false;
  if (attempt.lost) {
    attempt.lost = false;
    node.lost_attempts.erase(key);
    state.unproved.erase(key);
    attach(state, attempt);
  }
  Task& task = state.tasks.at(key.task_key());
  if (task.is_queued()) unqueue(state, key.task_key(), task);
  attempt.rebooted = false;
  attempt.crashed = false;
  attempt.dead = false;
  attempt.orphan = false;
  attempt.answered = true;
  attempt.session = node.session;
  mark_running(state, attempt, running);
  settle_rivals(state, now, task, attempt);
  set_task_state(state, effects, key.task_key(), attempt.running ? TaskState::running : TaskState::assigned);
  if (attempt.cancel) mail_to(state, node).cancel.push_back(key);
  return true;
}

void take_back_or_cancel(State& state, Effects& effects, Now now, Node& node, const AttemptKey& key, bool running) {
  if (take_back(state, effects, now, node, key, running, false)) return;
  node.strays[key] = now.mono;
  mail_to(state, node).cancel.push_back(key);
}

// What a node holds of our store was written down here before it was given out - unless this database is an old copy.
bool was_given_out(const State& state, const AttemptKey& key) {
  if (key.job > state.last_job) return false;
  const auto job = state.jobs.find(key.job);
  if (job == state.jobs.end()) return true;  // final: how far it came is in the store
  const auto task = state.tasks.find(key.task_key());
  if (task != state.tasks.end()) return key.attempt <= task->second.attempts;
  return was_touched(job->second, key.task);  // ended
}

bool lists_the_unknown(State& state, Effects& effects, const Node& node, const wire::Inventory& inventory) {
  for (const auto* keys : {&inventory.queued, &inventory.running, &inventory.finished}) {
    for (const auto& key : *keys) {
      if (was_given_out(state, key)) continue;
      note_gone_back(state, effects,
                     "node " + node.record.status.node + " holds attempt " + to_string(key) +
                         ", which it was never given by this one");
      return true;
    }
  }
  return false;
}

}  // namespace

void on_inventory(State& state, Effects& effects, Now now, Node& node, const wire::Inventory& inventory) {
  if (node.state != NodeState::joining || inventory.nonce != node.inventory.nonce ||
      inventory.page >= inventory.pages) {
    ++state.stale_messages;
    return;
  }
  if (inventory.store != state.store || lists_the_unknown(state, effects, node, inventory)) return;
  if (!node.inventory.pages.insert(inventory.page).second) return;
  for (const auto* keys : {&inventory.queued, &inventory.running, &inventory.finished}) {
    node.inventory.listed.insert(keys->begin(), keys->end());
  }
  for (const auto& key : inventory.queued) take_back_or_cancel(state, effects, now, node, key, false);
  for (const auto& key : inventory.running) take_back_or_cancel(state, effects, now, node, key, true);
  for (const auto& key : inventory.finished) {
    take_back(state, effects, now, node, key, true, true);  // its result is on its way
  }
  if (node.inventory.pages.size() < inventory.pages) return;
  drop_unlisted(state, effects, now, node);
  node.inventory = {};
  node.state = NodeState::on;
  node.heard = now.mono;
  state.schedule_needed = true;
}

}  // namespace bramble::aggregator
