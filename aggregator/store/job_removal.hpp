// What is read of jobs.db to remove jobs in small steps, and the files that nothing names any more.
#pragma once

#include <span>
#include <vector>

#include "aggregator/core/store.hpp"
#include "aggregator/store/sqlite.hpp"

namespace bramble::aggregator {

// The next rows to be removed of each of the jobs, about max_rows in all; jobs for which there was no room are left
// out.
Result<std::vector<ForgottenRows>> read_forgotten(sqlite::Connection& connection, std::span<const JobId> jobs,
                                                  size_t max_rows);

// Jobs that ended before then, and the oldest ones while more than `keep` (0: any number) are there; oldest first.
Result<std::vector<JobId>> find_expired(sqlite::Connection& connection, std::optional<WallTime> ended_before,
                                        uint64_t keep, size_t limit);

// Those attempts whose output files no row names: neither as a task's output, nor as being open.
Result<std::vector<AttemptKey>> find_unnamed(sqlite::Connection& connection, std::span<const AttemptKey> keys);

}  // namespace bramble::aggregator
