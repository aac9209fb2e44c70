// The parts of telemetry.db's schema that follow from kTelemetryColumns: columns, views, statements. Texts are pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "aggregator/store/sqlite.hpp"

namespace bramble::aggregator {

// A set of places in kTelemetryColumns; bit n is column n.
using ColumnSet = uint64_t;

inline constexpr std::string_view kMinuteTable = "telemetry_minute_raw";
inline constexpr std::string_view kHourTable = "telemetry_hour_raw";

// Calls use(place) for each column of the set, in order.
template <typename Use>
void for_each_column(ColumnSet columns, Use use) {
  for (size_t place = 0; columns != 0; ++place, columns >>= 1) {
    if ((columns & 1) != 0) use(place);
  }
}

// "INSERT OR IGNORE INTO telemetry_raw (ts_us, source_id, <columns>) VALUES (?, ?, ...)"
std::string insert_reading_sql(ColumnSet columns);
// ts_us, source_id, <columns> of readings from ?1 until before ?2, in the order of time.
std::string select_readings_sql(ColumnSet columns);
// node_id, ts_us, readings, covered_us, last_us (from ts_us on), last_source_id, then two or three for each column.
inline constexpr int kRollupHeadColumns = 6;
std::string put_rollup_sql(std::string_view table, ColumnSet columns);
std::string select_rollup_sql(std::string_view table, ColumnSet columns, std::string_view where);

// SQL for the metric's value in its unit, from an expression in the column's.
std::string in_unit(size_t place, const std::string& expression);

// Those that telemetry_raw has.
Result<ColumnSet> columns_of_store(sqlite::Connection& connection);
// Adds to each of the three tables what it lacks, and makes the views anew where they are others. In a transaction.
Status make_columns(sqlite::Connection& connection, ColumnSet columns);

}  // namespace bramble::aggregator
