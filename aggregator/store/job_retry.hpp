// What is read of jobs.db to queue ended tasks again.
#pragma once

#include "aggregator/core/store.hpp"
#include "aggregator/store/sqlite.hpp"

namespace bramble::aggregator {

// Within one transaction of the caller's, so that job and tasks are of one commit. not_found: no such job.
Result<RetryPlan> read_retry_plan(sqlite::Connection& connection, JobId job, bool all, size_t max_tasks);

}  // namespace bramble::aggregator
