#include "aggregator/store/names.hpp"

namespace bramble::aggregator {
namespace {

template <typename Enum>
Result<Enum> parse(std::string_view name, Enum last) {
  for (int value = 0; value <= static_cast<int>(last); ++value) {
    if (to_string(static_cast<Enum>(value)) == name) return static_cast<Enum>(value);
  }
  return fail(ErrorCode::corrupt, "jobs.db is damaged (no state is called '" + std::string(name) +
                                      "'): restore a backup, or move it away to start with an empty one");
}

}  // namespace

Result<JobState> parse_job_state(std::string_view name) { return parse(name, JobState::cancelled); }
Result<TaskState> parse_task_state(std::string_view name) { return parse(name, TaskState::cancelled); }
Result<NodeLossPolicy> parse_policy(std::string_view name) { return parse(name, NodeLossPolicy::fail); }

}  // namespace bramble::aggregator
