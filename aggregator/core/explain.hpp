// Why a task is not done yet, in words for people. Pure: reads the state and changes nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aggregator/core/api.hpp"
#include "aggregator/core/state.hpp"

namespace bramble::aggregator {

// Said so that it is true of one task and of many.
struct Reason {
  std::string word;    // for programs and narrow columns; aggregator/http/README.md lists them
  std::string text;    // what is waited for, and what would help
  std::string detail;  // of this one task; may be empty

  bool operator==(const Reason&) const = default;
};

struct TaskReason {
  TaskState state = TaskState::queued;
  Reason reason;
};

// Nothing where the reactor does not hold the task: it has ended, or is not one of the job's.
std::optional<TaskReason> explain_task(const State& state, Now now, const TaskKey& key);

struct ReasonGroup {
  Reason reason;  // its detail is the example's
  uint64_t tasks = 0;
  TaskIndex example = 0;
};

inline constexpr size_t kMaxReasons = 20;

// Every task of an open job that has not ended, by reason: at most kMaxReasons, the last of them for what is left.
// Looks at a bounded number of tasks; those that were never assigned are one group.
std::vector<ReasonGroup> explain_job(const State& state, Now now, const Job& job);

// Why tasks of the job that wait at no node do so.
Reason why_queued(const State& state, const Job& job);

// Nodes that could hold a task of the job if they did nothing else, whether or not they take work now.
std::vector<std::string> able_nodes(const State& state, const JobSpec& job);

// Where there is no such node: why, and what is to be done. Else nothing.
std::optional<std::string> waits_for_a_node(const State& state, const JobSpec& job);

ApiReply explain_reply(const State& state, Now now, const ExplainRequest& request);

// "pi1, pi2 and 3 more".
std::string some_names(const std::vector<std::string>& names);

}  // namespace bramble::aggregator
