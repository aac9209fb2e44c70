// telemetry.db as the writer's thread uses it. WAL, synchronous=NORMAL: the newest commits may roll back on power loss.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "aggregator/store/sqlite.hpp"
#include "aggregator/store/telemetry_columns.hpp"

namespace bramble::aggregator {

struct ScaledRow {
  std::string node;
  int64_t ts_ms = 0;
  bool power_measured = false;
  ScaledValues values;
};

class TelemetryTable {
 public:
  static Result<TelemetryTable> open(const std::string& path);

  // All or none. Of two rows of one node and millisecond the later one stays.
  Status write(const std::vector<ScaledRow>& rows);

  // Deletes at most ten minutes' worth of the oldest rows from before `before_ms`, and gives a bounded number of free
  // pages back to the file system if there are many.
  Status purge(int64_t before_ms);

 private:
  explicit TelemetryTable(sqlite::Connection connection) : connection_(std::move(connection)) {}
  Status prepare();
  Status write_row(const ScaledRow& row);
  Result<int64_t> node_id(const std::string& node);

  sqlite::Connection connection_;
  sqlite::Statement insert_;
  sqlite::Statement add_node_;
  sqlite::Statement find_node_;
  sqlite::Statement purge_;
  std::unordered_map<std::string, int64_t> node_ids_;
};

}  // namespace bramble::aggregator
