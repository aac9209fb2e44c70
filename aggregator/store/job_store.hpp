// jobs.db: the state thread's durable memory. WAL, synchronous=FULL: what commit() said is done survives power loss.
#pragma once

#include <memory>
#include <string>

#include "aggregator/core/store.hpp"
#include "aggregator/store/job_writes.hpp"
#include "aggregator/store/sqlite.hpp"

namespace bramble::aggregator {

class SqliteJobStore final : public JobStore {
 public:
  // Makes the file where there is none, brings it to the newest schema, and counts the term up, durably. Errors:
  // unavailable (locked by another, disk full: try again), io (read-only, cannot be opened), corrupt (damaged, or
  // written by a newer bramble).
  // keep_energy_ms: how long the energy of forgotten jobs is kept; 0: for ever.
  static Result<std::unique_ptr<SqliteJobStore>> open(const std::string& path, int64_t keep_energy_ms = 0);

  Result<LoadedState> load() override;
  Status commit(std::span<const StoreWrite> writes) override;

 private:
  SqliteJobStore(sqlite::Connection connection, JobWriter writer)
      : connection_(std::move(connection)), writer_(std::move(writer)) {}

  sqlite::Connection connection_;
  JobWriter writer_;
};

}  // namespace bramble::aggregator
