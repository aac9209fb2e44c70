// telemetry.db as the writer's thread uses it. WAL, synchronous=NORMAL: the newest commits may roll back on power loss.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/store/sqlite.hpp"
#include "aggregator/store/telemetry_columns.hpp"
#include "aggregator/store/telemetry_others.hpp"
#include "aggregator/store/telemetry_rollups.hpp"
#include "aggregator/store/telemetry_sources.hpp"

namespace bramble::aggregator {

struct ScaledRow {
  std::string node;
  int64_t ts_us = 0;
  uint64_t run = 0;
  uint64_t number = 0;
  bool power_measured = false;
  ScaledValues values;
  std::vector<std::pair<std::string, double>> others;
};

// What is older goes; 0: nothing does.
struct PurgeBefore {
  int64_t raw_us = 0;
  int64_t minute_us = 0;
  int64_t hour_us = 0;
};

class TelemetryTable {
 public:
  // max_others: so many metrics that have no column are stored (TelemetryOthers).
  static Result<std::unique_ptr<TelemetryTable>> open(const std::string& path, size_t max_others = 100);

  // All or none, but for rows that will never fit: those are passed over and counted. Of two readings at one
  // microsecond the one written later is put a microsecond later.
  Status write(const std::vector<ScaledRow>& rows);

  // Makes rollups of at most max_minutes minutes that have ended. True: there is more to do.
  Result<bool> roll(int64_t now_us, size_t max_minutes) { return rollups_.roll(now_us, max_minutes); }
  int64_t rolled_to_us() const { return rollups_.rolled_to_us(); }

  // Deletes at most some thousand of the oldest rows, and gives a bounded number of free pages back to the file system
  // where there are many. True: there is more to delete. Readings that are in no rollup yet stay.
  Result<bool> purge(const PurgeBefore& before);

  uint64_t rows_refused() const { return rows_refused_; }        // that the last write() passed over
  const std::string& refusal() const { return refusal_; }        // why, of the last one
  uint64_t others_refused() const { return others_.refused(); }  // values of metrics beyond max_others

 private:
  TelemetryTable(sqlite::Connection connection, size_t max_others)
      : connection_(std::move(connection)), rollups_(connection_, sources_), others_(connection_, max_others) {}
  Status prepare();
  Status prepare_columns();
  void forget();  // what a transaction that was rolled back has made
  Status write_all(const std::vector<ScaledRow>& rows);
  Status add_columns(const std::vector<ScaledRow>& rows);
  Status write_row(const ScaledRow& row);
  Result<int64_t> insert(int64_t ts_us, int64_t source, const ScaledValues& values);
  Result<bool> purge_readings(int64_t before_us);
  Result<bool> purge_rollups(std::string_view table, int64_t before_us);
  Status give_back_pages();

  sqlite::Connection connection_;  // first: statements are destroyed before it
  TelemetrySources sources_;
  TelemetryRollups rollups_;
  TelemetryOthers others_;
  ColumnSet columns_ = 0;
  int64_t last_us_ = 0;  // the newest stamp given
  uint64_t rows_refused_ = 0;
  std::string refusal_;
  sqlite::Statement insert_;
};

}  // namespace bramble::aggregator
