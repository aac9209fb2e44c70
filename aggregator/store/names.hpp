// The names of enumerators as they stand in jobs.db, back to values. A name that is not known means a damaged row.
#pragma once

#include <string_view>

#include "aggregator/core/records.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator {

Result<JobState> parse_job_state(std::string_view name);
Result<TaskState> parse_task_state(std::string_view name);
Result<NodeLossPolicy> parse_policy(std::string_view name);

}  // namespace bramble::aggregator
