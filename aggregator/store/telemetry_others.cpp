#include "aggregator/store/telemetry_others.hpp"

#include <algorithm>

#include "aggregator/store/telemetry_time.hpp"

namespace bramble::aggregator {
Status TelemetryOthers::prepare() {
  const std::pair<sqlite::Statement*, const char*> statements[] = {
      {&insert_, "INSERT OR REPLACE INTO other_raw (ts_us, node_id, metric_id, value) VALUES (?, ?, ?, ?)"},
      {&add_, "INSERT INTO other_metrics (metric, node_id) VALUES (?, ?) RETURNING metric_id"},
      {&told_, "UPDATE other_metrics SET told_until_us = ? WHERE metric_id = ?"},
  };
  for (const auto& [target, sql] : statements) {
    auto statement = connection_.prepare(sql);
    if (!statement) return fail(statement.error());
    *target = std::move(*statement);
  }
  return load();
}

Status TelemetryOthers::load() {
  names_.clear();
  names_of_node_.clear();
  auto statement = connection_.prepare("SELECT metric, metric_id, node_id, told_until_us FROM other_metrics");
  if (!statement) return fail(statement.error());
  return statement->each([&](const sqlite::Statement& row) -> Status {
    names_[row.string(0)] = {row.integer(1), row.integer(2), row.integer(3)};
    ++names_of_node_[row.integer(2)];
    return {};
  });
}

size_t TelemetryOthers::max_names_of_node() const { return std::max(kLeastNamesOfNode, max_names_ / 4); }

Status TelemetryOthers::write(const std::vector<std::pair<std::string, double>>& values, int64_t ts_us,
                              int64_t node_id) {
  for (const auto& [metric, value] : values) {
    const auto found = find_or_add(metric, node_id);
    if (!found) return fail(found.error());
    if (*found == nullptr) {
      ++refused_;
      continue;
    }
    Name& name = **found;
    Status status = insert_.run(ts_us, node_id, name.id, value);
    if (status && ts_us >= name.told_until_us) {
      name.told_until_us = floor_to(ts_us, kHourUs) + kHourUs;
      status = told_.run(name.told_until_us, name.id);
    }
    if (!status) return status;
  }
  return {};
}

// Null: there are as many names as may be.
Result<TelemetryOthers::Name*> TelemetryOthers::find_or_add(const std::string& metric, int64_t node_id) {
  if (const auto found = names_.find(metric); found != names_.end()) return &found->second;
  if (names_.size() >= max_names_ || names_of_node_[node_id] >= max_names_of_node()) return nullptr;
  Name name{0, node_id, 0};
  Status status = add_.each(
      [&](const sqlite::Statement& row) -> Status {
        name.id = row.integer(0);
        return {};
      },
      metric, node_id);
  if (!status) return fail(status.error());
  ++names_of_node_[node_id];
  return &(names_[metric] = name);
}

std::string TelemetryOthers::make_hours_sql(int64_t through_us) {
  const std::string through = std::to_string(through_us);
  return "INSERT INTO other_hour_raw SELECT ts_us - ts_us % " + std::to_string(kHourUs) +
         " AS hour_us, node_id, metric_id, count(*), min(value), avg(value), max(value) FROM other_raw WHERE ts_us "
         "<= " +
         through +
         " GROUP BY 1, 2, 3 ON CONFLICT DO UPDATE SET "
         "value_mean = (value_mean * readings + excluded.value_mean * excluded.readings) / "
         "(readings + excluded.readings), readings = readings + excluded.readings, "
         "value_min = min(value_min, excluded.value_min), value_max = max(value_max, excluded.value_max); "
         "DELETE FROM other_raw WHERE ts_us <= " +
         through;
}

Result<bool> TelemetryOthers::purge_hours(int64_t before_us, int64_t max_rows) {
  Status status = connection_.execute(
      "DELETE FROM other_hour_raw WHERE (ts_us, node_id, metric_id) IN (SELECT ts_us, node_id, metric_id FROM "
      "other_hour_raw WHERE ts_us < " +
      std::to_string(before_us) + " ORDER BY ts_us LIMIT " + std::to_string(max_rows) + ")");
  if (!status) return fail(status.error());
  return connection_.changes() == max_rows;
}

Status TelemetryOthers::purge_names(int64_t before_us) {
  Status status = connection_.execute("DELETE FROM other_metrics WHERE told_until_us <= " + std::to_string(before_us));
  return status && connection_.changes() > 0 ? load() : status;
}

}  // namespace bramble::aggregator
