#include "aggregator/core/records.hpp"

namespace bramble::aggregator {

std::string_view to_string(JobState state) {
  switch (state) {
    case JobState::waiting:
      return "waiting";
    case JobState::running:
      return "running";
    case JobState::succeeded:
      return "succeeded";
    case JobState::failed:
      return "failed";
    case JobState::cancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string_view to_string(TaskState state) {
  switch (state) {
    case TaskState::waiting:
      return "waiting";
    case TaskState::queued:
      return "queued";
    case TaskState::assigned:
      return "assigned";
    case TaskState::running:
      return "running";
    case TaskState::silent:
      return "silent";
    case TaskState::succeeded:
      return "succeeded";
    case TaskState::failed:
      return "failed";
    case TaskState::cancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string_view to_string(NodeLossPolicy policy) {
  switch (policy) {
    case NodeLossPolicy::rerun:
      return "rerun";
    case NodeLossPolicy::fence:
      return "fence";
    case NodeLossPolicy::fail:
      return "fail";
  }
  return "unknown";
}

}  // namespace bramble::aggregator
