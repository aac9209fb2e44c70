// Why a task is not done yet: tasks that are at nodes, and a job as a whole.
#include "aggregator/core/explain.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "aggregator/core/internal.hpp"
#include "common/base/duration.hpp"
#include "common/base/size.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMaxTasksLookedAt = 10'000;

bool is_heard(const Node& node) { return node.state == NodeState::on || node.state == NodeState::joining; }

std::string unheard_text(const Node& node, Now now) {
  return node.heard ? "not heard for " + format_duration(now.mono - *node.heard)
                    : "not heard since the aggregator's start";
}

Reason being_cancelled(const Node& node) {
  const std::string& name = node.record.status.node;
  if (is_heard(node)) return {"cancelling", "the job is being cancelled: node " + name + " was told to end it", ""};
  return {"cancelling", "the job is being cancelled, and node " + name + " is not heard: it is told when it is back",
          ""};
}

// What another attempt has to wait for while nobody hears the node of this one.
Reason unheard(const State& state, const Node& node, NodeLossPolicy policy) {
  const std::string& name = node.record.status.node;
  if (policy == NodeLossPolicy::fence) {
    return {"fence",
            "node " + name + " is not heard and the job says fence: waiting for proof that what ran there is dead - " +
                "its lease has ended, it has booted anew, or its power is off",
            ""};
  }
  const std::string after = "after " + format_duration(state.config.loss_ms) + " without a sign of life ";
  const bool runs_again = policy == NodeLossPolicy::rerun;
  return {"silent",
          "node " + name + " is silent: " + after + (runs_again ? "it is run elsewhere" : "it fails (the job says so)"),
          ""};
}

std::string how_much_came(const Attempt& attempt) {
  uint64_t have_bytes = 0;
  uint64_t whole_bytes = 0;
  for (const auto& stream : attempt.streams) {
    have_bytes += stream.have_bytes;
    whole_bytes += std::max(stream.have_bytes, stream.node_bytes);
  }
  return format_size(have_bytes) + " of " + format_size(whole_bytes) + " are here";
}

Reason storage_full(const Attempt& attempt, const std::string& name) {
  return {"storage_full",
          "ended on node " + name +
              ", and its output waits there: the room for inputs and outputs is used up - make room " +
              "on the head's disk (bramble job forget removes ended jobs), or raise blob_quota_bytes",
          how_much_came(attempt)};
}

Reason at_node(const State& state, const Attempt& attempt, const Task& task, const JobSpec& spec) {
  const std::string& name = state.nodes[attempt.node].record.status.node;
  if (attempt.result && state.storage.full) return storage_full(attempt, name);
  if (attempt.result)
    return {"output", "ended on node " + name + ": its output is being fetched", how_much_came(attempt)};
  if (attempt.running) return {"running", "running on node " + name, ""};
  if (attempt.recalled) return {"recalled", "called back from node " + name + ", to be run where there is room", ""};
  if (!attempt.answered) return {"sent", "sent to node " + name + ", which has not answered yet", ""};
  const bool has_input = task.stdin_blob || spec.stdin_blob || !task.files.empty() || !spec.task.files.empty();
  return {"assigned", "at node " + name + ", waiting there for room" + (has_input ? " or for its input" : ""), ""};
}

std::string lease_text(const State& state, Now now, const Attempt& attempt) {
  const auto proof = proof_time(state, attempt);
  if (!proof) return "it has no lease: only a new boot or power off proves it dead";
  return "its lease proves it dead in " + format_duration(std::max<int64_t>(*proof - now.mono, 0));
}

Reason why_open(const State& state, Now now, const Attempt& attempt, const Task& task) {
  const auto& job = state.jobs.at(attempt.key.job).record;
  const Node& node = state.nodes[attempt.node];
  Reason reason;
  if (job.progress.cancel_requested) {
    reason = being_cancelled(node);
  } else if (attempt.lost || !is_heard(node)) {
    reason = unheard(state, node, job.spec.on_node_loss);
  } else {
    reason = at_node(state, attempt, task, job.spec);
  }
  if (!reason.detail.empty()) reason.detail += ", ";
  reason.detail += "attempt " + std::to_string(attempt.key.attempt);
  if (!is_heard(node)) reason.detail += ", " + unheard_text(node, now);
  if (reason.word == "fence") reason.detail += ", " + lease_text(state, now, attempt);
  return reason;
}

// The attempt that may end the task soonest: one that is heard, else the newest.
const Attempt* telling_attempt(const State& state, const Task& task) {
  const Attempt* best = nullptr;
  for (const auto& key : task.open) {
    const Attempt& attempt = state.attempts.at(key);
    if (best == nullptr || best->lost || !attempt.lost) best = &attempt;
  }
  return best;
}

Reason waits_after_failure(const Task& task, int64_t wait_ms) {
  return {"backoff", "waiting a while after a failure before the next try",
          "failed " + std::to_string(task.failures) + (task.failures == 1 ? " time" : " times") + ", tried again in " +
              format_duration(wait_ms)};
}

// `queued` is what holds for all queued tasks of the job: found once for many.
TaskReason explain_open(const State& state, Now now, const Task& task, const Reason& queued) {
  if (!task.is_queued()) {
    if (const Attempt* attempt = telling_attempt(state, task)) {
      const bool silent = attempt->lost || !is_heard(state.nodes[attempt->node]);
      return {silent ? TaskState::silent : task.state, why_open(state, now, *attempt, task)};
    }
  }
  if (task.not_before && *task.not_before > now.mono) {
    return {TaskState::queued, waits_after_failure(task, *task.not_before - now.mono)};
  }
  return {TaskState::queued, queued};
}

class Groups {
 public:
  void add(const Reason& reason, TaskIndex example, uint64_t tasks = 1) {
    if (tasks == 0) return;
    const auto same = [&](const ReasonGroup& group) {
      return group.reason.word == reason.word && group.reason.text == reason.text;
    };
    const auto found = std::find_if(groups_.begin(), groups_.end(), same);
    if (found != groups_.end()) {
      found->tasks += tasks;
    } else if (groups_.size() + 1 < kMaxReasons || reason.word == "other") {
      groups_.push_back({reason, tasks, example});
    } else {
      add({"other", "for other reasons: ask for one task to see its own", ""}, example, tasks);
    }
  }

  std::vector<ReasonGroup> take() {
    std::stable_sort(groups_.begin(), groups_.end(), [](const auto& a, const auto& b) { return a.tasks > b.tasks; });
    return std::move(groups_);
  }

 private:
  std::vector<ReasonGroup> groups_;
};

}  // namespace

std::optional<TaskReason> explain_task(const State& state, Now now, const TaskKey& key) {
  const auto job = state.jobs.find(key.job);
  if (job == state.jobs.end()) return {};
  const Reason queued = why_queued(state, job->second);
  const auto task = state.tasks.find(key);
  if (task != state.tasks.end()) return explain_open(state, now, task->second, queued);
  const auto& range = job->second.record.progress.range;
  if (!range.contains(key.task) || was_touched(job->second, key.task)) return {};
  return TaskReason{TaskState::queued, queued};
}

std::vector<ReasonGroup> explain_job(const State& state, Now now, const Job& job) {
  const auto& progress = job.record.progress;
  const Reason queued = why_queued(state, job);
  Groups groups;
  uint64_t looked_at = 0;
  for (const auto& key : job.attempts) {
    const Task& task = state.tasks.at(key.task_key());
    const Attempt* telling = telling_attempt(state, task);
    if (task.is_queued() || telling == nullptr || telling->key != key) continue;  // counted once for each task
    if (++looked_at > kMaxTasksLookedAt) break;
    groups.add(explain_open(state, now, task, queued).reason, key.task);
  }
  for (size_t i = 0; i < job.again.size() && i < kMaxTasksLookedAt; ++i, ++looked_at) {
    const TaskKey key{job.record.id, job.again[i]};
    groups.add(explain_open(state, now, state.tasks.at(key), queued).reason, key.task);
  }
  for (const auto& [when, key] : state.delayed) {
    if (looked_at >= 2 * kMaxTasksLookedAt) break;
    if (key.job != job.record.id) continue;
    groups.add(explain_open(state, now, state.tasks.at(key), queued).reason, key.task);
    ++looked_at;
  }
  const uint64_t untouched = progress.range.size() - progress.next_position;
  if (untouched > 0) groups.add(queued, progress.range.at(progress.next_position), untouched);
  const uint64_t left = progress.counts.total - progress.counts.ended() - untouched;
  if (left > looked_at) groups.add({"other", "not looked at: there are too many", ""}, 0, left - looked_at);
  return groups.take();
}

namespace {

nlohmann::json group_json(const ReasonGroup& group) {
  return {{"reason", group.reason.word},
          {"tasks", group.tasks},
          {"task", group.example},
          {"text", group.reason.text},
          {"detail", group.reason.detail}};
}

std::string dump(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

ApiReply explain_one(const State& state, Now now, const Job& job, TaskIndex task) {
  const TaskKey key{job.record.id, task};
  const auto found = explain_task(state, now, key);
  const auto& progress = job.record.progress;
  if (found) {
    return {200,
            dump({{"job", key.job},
                  {"task", task},
                  {"state", to_string(found->state)},
                  {"reasons", nlohmann::json::array({group_json({found->reason, 1, task})})}}),
            {}};
  }
  if (progress.range.contains(task)) return {410, "", {}};  // ended: the store has it
  if (!progress.open) return refuse(404, "job " + std::to_string(key.job) + " has no task " + std::to_string(task));
  const Reason open{"open", "not there yet: the job is open for more tasks, until whoever feeds it closes it", ""};
  return {200,
          dump({{"job", key.job},
                {"task", task},
                {"state", to_string(TaskState::waiting)},
                {"reasons", nlohmann::json::array({group_json({open, 1, task})})}}),
          {}};
}

// A client that died closes no job. One that has sent what it had mostly waits for results; that nobody does proves
// nothing, though: it may wait for its own input.
Reason why_still_open(Now now, const Job& job) {
  const auto& progress = job.record.progress;
  const int64_t open_ms = std::max<int64_t>(now.wall.ms - job.record.submitted.ms, 0);
  std::string text =
      "more tasks may come: the job is open until whoever feeds it (map, call, train, infer, Python) closes it, for " +
      format_duration(open_ms) + " by now";
  if (progress.counts.ended() == progress.counts.total && job.waiters.empty()) {
    text += progress.counts.total == 0 ? "; nothing has come" : "; all that has come is done";
    text += ", and nobody waits for results: if the program that feeds it is gone, bramble job cancel " +
            std::to_string(job.record.id) + " ends it";
  }
  return {"open", std::move(text), ""};
}

}  // namespace

ApiReply explain_reply(const State& state, Now now, const ExplainRequest& request) {
  const auto found = state.jobs.find(request.job);
  if (found == state.jobs.end()) return {410, "", {}};
  const Job& job = found->second;
  if (request.task) return explain_one(state, now, job, *request.task);
  nlohmann::json reasons = nlohmann::json::array();
  for (const auto& group : explain_job(state, now, job)) reasons.push_back(group_json(group));
  const auto& progress = job.record.progress;
  if (progress.open && state.storage.full) {
    reasons.push_back(group_json({{"storage_full",
                                   "more tasks may come, but the room for inputs and outputs is used up: bramble job "
                                   "forget removes ended jobs, or raise blob_quota_bytes",
                                   ""}}));
  } else if (progress.open) {
    reasons.push_back(group_json({why_still_open(now, job)}));
  }
  return {200,
          dump({{"job", request.job},
                {"task", nullptr},
                {"state", to_string(progress.state)},
                {"total", progress.counts.total},
                {"ended", progress.counts.ended()},
                {"reasons", std::move(reasons)}}),
          {}};
}

}  // namespace bramble::aggregator
