// What must hold after every step. Used by the tests and the simulator.
#include <algorithm>
#include <map>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/reactor.hpp"

namespace bramble::aggregator {
namespace {

using Problems = std::vector<std::string>;

void check_attempts(const State& state, Problems& problems) {
  for (const auto& [key, attempt] : state.attempts) {
    const std::string name = to_string(key);
    const Node& node = state.nodes.at(attempt.node);
    if (attempt.dead && !attempt.lost) problems.push_back(name + " is dead and counted as living");
    const bool in_open = node.attempts.contains(key);
    const bool in_lost = node.lost_attempts.contains(key);
    if (in_open == attempt.lost || in_lost != attempt.lost)
      problems.push_back(name + " is counted wrongly at its node");
    const auto job = state.jobs.find(key.job);
    if (job == state.jobs.end() || !job->second.attempts.contains(key)) {
      problems.push_back(name + " is not counted by its job");
    } else if (const auto& where = job->second.record.spec.where; !where.allow(node.record.status.node, where.arch)) {
      problems.push_back(name + " is at " + node.record.status.node + ", and its job may run on " + where.on + " only");
    }
    const auto task = state.tasks.find(key.task_key());
    if (task == state.tasks.end()) {
      problems.push_back(name + " is open and its task is not");
    } else if (key.attempt > task->second.attempts) {
      problems.push_back(name + " has a number that was never given out");
    }
  }
}

void check_tasks(const State& state, Problems& problems) {
  std::map<JobId, uint64_t> again;
  for (const auto& [key, task] : state.tasks) {
    if (is_final(task.state)) problems.push_back(to_string(key) + " is final and still held");
    if (!state.jobs.contains(key.job)) problems.push_back(to_string(key) + " has no open job");
    if (task.waiting_again) ++again[key.job];
    const bool held =
        task.is_queued() || std::any_of(task.open.begin(), task.open.end(), [&](const AttemptKey& attempt) {
          const auto open = state.attempts.find(attempt);
          return open != state.attempts.end() && (!open->second.lost || state.unproved.contains(attempt));
        });
    if (task.not_before && !state.delayed.contains({*task.not_before, key})) {
      problems.push_back(to_string(key) + " waits for a time that nobody watches");
    }
    if (!held) problems.push_back(to_string(key) + " is neither queued nor at a node: it would never end");
    for (const auto& attempt : task.open) {
      if (!state.attempts.contains(attempt)) problems.push_back(to_string(attempt) + " is named by its task only");
    }
  }
  for (const auto& [id, job] : state.jobs) {
    if (job.again.size() != again[id]) problems.push_back("job " + std::to_string(id) + " counts its queue wrongly");
  }
}

// Every task of a job is ended, touched and open, or not touched yet; nothing is lost or counted twice.
void check_counts(const State& state, Problems& problems) {
  std::map<JobId, uint64_t> open;
  for (const auto& [key, task] : state.tasks) ++open[key.job];
  for (const auto& [id, job] : state.jobs) {
    const auto& progress = job.record.progress;
    const uint64_t untouched = progress.range.size() - progress.next_position;
    if (progress.counts.ended() + open[id] + untouched != progress.counts.total) {
      problems.push_back("job " + std::to_string(id) + ": " + std::to_string(progress.counts.ended()) + " ended, " +
                         std::to_string(open[id]) + " open and " + std::to_string(untouched) +
                         " untouched tasks are not " + std::to_string(progress.counts.total));
    }
  }
}

void check_inputs(const State& state, Problems& problems) {
  uint64_t named = 0;
  for (const auto& [key, task] : state.tasks) named += count_inputs(task.stdin_blob, task.files);
  for (const auto& [id, job] : state.jobs) {
    for (const auto& [index, input] : job.inputs) named += count_inputs(input.stdin_blob, input.files);
  }
  if (named != state.open_inputs) {
    problems.push_back("open tasks name " + std::to_string(named) + " inputs, and " +
                       std::to_string(state.open_inputs) + " are counted");
  }
}

void check_nodes(const State& state, Problems& problems) {
  for (const Node& node : state.nodes) {
    int64_t slots = 0;
    uint32_t unstarted = 0;
    for (const auto& key : node.attempts) {
      slots += state.jobs.at(key.job).record.spec.task.cpus;
      unstarted += state.attempts.at(key).running ? 0 : 1;
    }
    if (slots != node.use.slots || unstarted != node.unstarted) {
      problems.push_back("node " + node.record.status.node + " counts its use wrongly");
    }
  }
}

}  // namespace

std::vector<std::string> check_invariants(const State& state) {
  Problems problems;
  check_attempts(state, problems);
  check_tasks(state, problems);
  check_counts(state, problems);
  check_nodes(state, problems);
  check_inputs(state, problems);
  return problems;
}

}  // namespace bramble::aggregator
