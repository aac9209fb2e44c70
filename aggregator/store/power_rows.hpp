// The power of nodes and the audit log in jobs.db: written by the state thread's transactions, read at the start and by
// the API.
#pragma once

#include <string>
#include <vector>

#include "aggregator/core/store.hpp"
#include "aggregator/store/sqlite.hpp"

namespace bramble::aggregator {

// Prepared statements; to be run within a transaction. Must be destroyed before the connection.
class PowerWriter {
 public:
  Status prepare(sqlite::Connection& connection);

  Status put(const PutPower& write);
  Status put(const PutPowerPause& write);
  Status put(const AddAudit& write);

 private:
  sqlite::Statement power_;
  sqlite::Statement pause_;
  sqlite::Statement audit_;
  sqlite::Statement purge_;
};

Status load_power(sqlite::Connection& connection, LoadedState& state);

// The newest ones that the filter lets through, oldest first.
Result<std::vector<AuditRow>> read_audit(sqlite::Connection& connection, const AuditFilter& filter);

}  // namespace bramble::aggregator
