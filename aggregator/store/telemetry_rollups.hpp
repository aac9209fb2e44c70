// Readings of a minute become one row for each node, minutes one of an hour: in telemetry.db, by the writer's thread.
//
// What is done is marked in the transaction that does it, and every row is made from the readings themselves. So after
// any crash a rollup is neither missing nor doubled.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "aggregator/store/rollup.hpp"
#include "aggregator/store/telemetry_schema.hpp"
#include "aggregator/store/telemetry_sources.hpp"
#include "aggregator/store/telemetry_time.hpp"

namespace bramble::aggregator {

// Minutes are rolled up five at a time, once all have surely been heard: each time every node's page is written.
// Questions read what is not rolled up yet from the readings.
inline constexpr int64_t kRolledTogetherUs = 5 * kMinuteUs;
inline constexpr int64_t kLatenessUs = 5'000'000;

// Until when to roll up now.
constexpr int64_t roll_until(int64_t now_us) { return floor_to(now_us - kLatenessUs, kRolledTogetherUs); }

// Values of a reading, or of a summary, from a row that has them from column `first` on.
ScaledValues read_values(const sqlite::Statement& row, int first, ColumnSet columns);
Rollup read_rollup(const sqlite::Statement& row, ColumnSet columns);  // of select_rollup_sql(); last_life is not set

// Rows of one of the two tables.
class RollupRows {
 public:
  Status prepare(sqlite::Connection& connection, std::string_view table, ColumnSet columns);
  Status put(int64_t node_id, int64_t ts_us, const Rollup& rollup);
  // The newest one of the node before ts_us.
  Result<std::optional<Rollup>> before(int64_t node_id, int64_t ts_us);
  // From `from_us` until before `to_us`, in order.
  Result<std::vector<Rollup>> range(int64_t node_id, int64_t from_us, int64_t to_us);
  // When the first one at or after ts_us begins.
  Result<std::optional<int64_t>> next(int64_t node_id, int64_t ts_us);

 private:
  ColumnSet columns_ = 0;
  sqlite::Statement put_;
  sqlite::Statement before_;
  sqlite::Statement range_;
  sqlite::Statement next_;
};

class TelemetryRollups {
 public:
  TelemetryRollups(sqlite::Connection& connection, TelemetrySources& sources)
      : connection_(connection), sources_(sources) {}

  Status prepare(ColumnSet columns);

  int64_t rolled_to_us() const { return rolled_to_us_; }
  // Before which no reading waits to be rolled up.
  Result<int64_t> all_rolled_to_us();
  // Within the caller's transaction: a reading of a time that is rolled up already was written.
  Status mark_late(int64_t ts_us, int64_t node_id);

  // Rolls up at most max_minutes minutes that ended before now_us (late ones first), in one transaction. True: there is
  // more to do. A mark from the future, where the clock was wrong, goes back to now.
  Result<bool> roll(int64_t now_us, size_t max_minutes);

 private:
  using Nodes = std::set<int64_t>;

  Result<bool> roll_late(size_t max_minutes);
  Result<bool> roll_new(int64_t until_us, size_t max_minutes);
  Status close_hour(int64_t hour_us);
  // Makes the minute's rows of these nodes, or (null) of all that told something in it. Adds whom it made to `made`.
  Status make_minute(int64_t minute_us, const Nodes* nodes, Nodes& made);
  // Whether what its counters grew by after that minute is reckoned already, from readings that are gone.
  Result<bool> is_passed(int64_t node_id, int64_t minute_us, int64_t raw_from_us);
  Result<bool> is_complete(int64_t node_id, int64_t minute_us, const Rollup& rollup);
  Status make_hour(int64_t hour_us, const Nodes& nodes);
  Status set_rolled_to(int64_t ts_us);

  sqlite::Connection& connection_;
  TelemetrySources& sources_;
  ColumnSet columns_ = 0;
  int64_t rolled_to_us_ = 0;
  RollupRows minutes_;
  RollupRows hours_;
  sqlite::Statement readings_;
  sqlite::Statement next_reading_;
  sqlite::Statement mark_late_;
  sqlite::Statement late_minutes_;
  sqlite::Statement done_late_;
  sqlite::Statement set_rolled_to_;
};

}  // namespace bramble::aggregator
