// What a starting aggregator reads from jobs.db.
#pragma once

#include "aggregator/core/records.hpp"
#include "aggregator/store/sqlite.hpp"

namespace bramble::aggregator {

// Reads only what is open: its time grows with open work, not with history.
Result<LoadedState> load_jobs(sqlite::Connection& connection);

}  // namespace bramble::aggregator
