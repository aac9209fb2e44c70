// The API's tokens in jobs.db.
#pragma once

#include "aggregator/core/records.hpp"
#include "aggregator/store/sqlite.hpp"

namespace bramble::aggregator {

// Prepared statements; to be run within a transaction. Must be destroyed before the connection.
class TokenWriter {
 public:
  Status prepare(sqlite::Connection& connection);

  Status put(const PutToken& write);
  Status put(const RemoveToken& write);

 private:
  sqlite::Statement put_;
  sqlite::Statement remove_;
};

Status load_tokens(sqlite::Connection& connection, LoadedState& state);

}  // namespace bramble::aggregator
