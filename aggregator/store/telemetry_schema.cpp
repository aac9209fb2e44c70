#include "aggregator/store/telemetry_schema.hpp"

#include <cmath>
#include <set>

#include "aggregator/store/telemetry_columns.hpp"

namespace bramble::aggregator {
namespace {

constexpr std::string_view kRollupHead = "node_id, ts_us, readings, covered_us, last_us, last_source_id";
constexpr std::string_view kGaugeParts[] = {"_min", "_mean", "_max"};
constexpr std::string_view kCounterParts[] = {"_last", "_increase"};

std::string column_name(size_t place) { return std::string(kTelemetryColumns[place].column); }
std::string metric_name(size_t place) { return std::string(kTelemetryColumns[place].metric); }

template <typename Use>
void for_each_part(size_t place, Use use) {
  if (kTelemetryColumns[place].is_counter()) {
    for (const auto part : kCounterParts) use(column_name(place) + std::string(part));
  } else {
    for (const auto part : kGaugeParts) use(column_name(place) + std::string(part));
  }
}

std::string rollup_columns(ColumnSet columns) {
  std::string list(kRollupHead);
  for_each_column(columns, [&](size_t place) { for_each_part(place, [&](const auto& part) { list += ", " + part; }); });
  return list;
}

std::string marks_for(const std::string& list) {
  std::string marks = "?";
  for (const char c : list) marks += c == ',' ? ", ?" : "";
  return marks;
}

std::string time_columns() {
  return "  node,\n  strftime('%Y-%m-%dT%H:%M:%fZ', ts_us / 1e6, 'unixepoch') AS time,\n  ts_us AS time_us,\n";
}

std::string reading_view(ColumnSet columns) {
  std::string sql = "CREATE VIEW telemetry AS SELECT\n" + time_columns() + "  power_measured";
  for (size_t place = 0; place < kTelemetryColumnCount; ++place) {
    const bool stored = (columns >> place & 1) != 0;
    sql += ",\n  " + (stored ? in_unit(place, column_name(place)) : "NULL") + " AS " + metric_name(place);
  }
  return sql + "\nFROM telemetry_raw JOIN sources USING (source_id) JOIN node_names USING (node_id)";
}

// A gauge X as X (its mean), X_min and X_max; a counter as X (the last) and X_increase.
std::string rollup_view(const std::string& view, std::string_view table, ColumnSet columns) {
  std::string sql = "CREATE VIEW " + view + " AS SELECT\n" + time_columns() +
                    "  readings,\n  covered_us / 1e6 AS covered_s,\n"
                    "  (SELECT power_measured FROM sources WHERE source_id = last_source_id) AS power_measured";
  const auto add = [&](size_t place, const char* part, const char* suffix) {
    const bool stored = (columns >> place & 1) != 0;
    sql +=
        ",\n  " + (stored ? in_unit(place, column_name(place) + part) : "NULL") + " AS " + metric_name(place) + suffix;
  };
  for (size_t place = 0; place < kTelemetryColumnCount; ++place) {
    if (kTelemetryColumns[place].is_counter()) {
      add(place, "_last", "");
      add(place, "_increase", "_increase");
    } else {
      add(place, "_mean", "");
      add(place, "_min", "_min");
      add(place, "_max", "_max");
    }
  }
  return sql + "\nFROM " + std::string(table) + " JOIN node_names USING (node_id)";
}

Result<std::set<std::string>> names_of_columns(sqlite::Connection& connection, std::string_view table) {
  auto statement = connection.prepare("SELECT name FROM pragma_table_info(?)");
  if (!statement) return tl::unexpected<Error>(statement.error());
  std::set<std::string> names;
  Status status = statement->each(
      [&](const sqlite::Statement& row) -> Status {
        names.insert(row.string(0));
        return {};
      },
      table);
  if (!status) return tl::unexpected<Error>(status.error());
  return names;
}

Status add_missing(sqlite::Connection& connection, std::string_view table, const std::set<std::string>& wanted) {
  const auto have = names_of_columns(connection, table);
  if (!have) return tl::unexpected<Error>(have.error());
  for (const auto& name : wanted) {
    if (have->contains(name)) continue;
    Status status = connection.execute("ALTER TABLE " + std::string(table) + " ADD COLUMN " + name + " INTEGER");
    if (!status) return status;
  }
  return {};
}

Status make_view(sqlite::Connection& connection, const std::string& name, const std::string& sql) {
  auto statement = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = ? AND sql = ?");
  if (!statement) return tl::unexpected<Error>(statement.error());
  bool same = false;
  Status status = statement->each(
      [&](const sqlite::Statement&) -> Status {
        same = true;
        return {};
      },
      name, sql);
  if (!status || same) return status;
  return connection.execute("DROP VIEW IF EXISTS " + name + "; " + sql);
}

}  // namespace

std::string insert_reading_sql(ColumnSet columns) {
  std::string list = "ts_us, source_id";
  for_each_column(columns, [&](size_t place) { list += ", " + column_name(place); });
  return "INSERT OR IGNORE INTO telemetry_raw (" + list + ") VALUES (" + marks_for(list) + ")";
}

std::string select_readings_sql(ColumnSet columns) {
  std::string list = "ts_us, source_id";
  for_each_column(columns, [&](size_t place) { list += ", " + column_name(place); });
  return "SELECT " + list + " FROM telemetry_raw WHERE ts_us >= ?1 AND ts_us < ?2 ORDER BY ts_us";
}

std::string put_rollup_sql(std::string_view table, ColumnSet columns) {
  const std::string list = rollup_columns(columns);
  return "INSERT OR REPLACE INTO " + std::string(table) + " (" + list + ") VALUES (" + marks_for(list) + ")";
}

std::string select_rollup_sql(std::string_view table, ColumnSet columns, std::string_view where) {
  return "SELECT " + rollup_columns(columns) + " FROM " + std::string(table) + " WHERE " + std::string(where);
}

std::string in_unit(size_t place, const std::string& expression) {
  const double scale = kTelemetryColumns[place].scale;
  if (scale == 1) return expression;
  const bool divide = scale > 1;
  return expression + (divide ? " / " : " * ") + std::to_string(std::llround(divide ? scale : 1 / scale)) +
         (divide ? ".0" : "");
}

Result<ColumnSet> columns_of_store(sqlite::Connection& connection) {
  const auto names = names_of_columns(connection, "telemetry_raw");
  if (!names) return tl::unexpected<Error>(names.error());
  ColumnSet columns = 0;
  for (size_t place = 0; place < kTelemetryColumnCount; ++place) {
    if (names->contains(column_name(place))) columns |= ColumnSet{1} << place;
  }
  return columns;
}

Status make_columns(sqlite::Connection& connection, ColumnSet columns) {
  std::set<std::string> raw;
  std::set<std::string> parts;
  for_each_column(columns, [&](size_t place) {
    raw.insert(column_name(place));
    for_each_part(place, [&](const std::string& part) { parts.insert(part); });
  });
  if (Status status = add_missing(connection, "telemetry_raw", raw); !status) return status;
  if (Status status = add_missing(connection, kMinuteTable, parts); !status) return status;
  if (Status status = add_missing(connection, kHourTable, parts); !status) return status;
  if (Status status = make_view(connection, "telemetry", reading_view(columns)); !status) return status;
  for (const auto& [view, table] :
       {std::pair{"telemetry_minute", kMinuteTable}, std::pair{"telemetry_hour", kHourTable}}) {
    if (Status status = make_view(connection, view, rollup_view(view, table, columns)); !status) return status;
  }
  return {};
}

}  // namespace bramble::aggregator
