// A new name for a job database that was restored from a backup: what its other life gave out under the old name can
// then not be taken for something of this one.
#pragma once

#include <string>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator {

// REQUIRES: no aggregator runs on it. Open attempts end, their tasks are queued again; nodes must be joined anew by a
// person. Returns the new store.
Result<StoreId> renew_store(const std::string& jobs_db);

}  // namespace bramble::aggregator
