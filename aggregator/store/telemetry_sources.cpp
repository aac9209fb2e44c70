#include "aggregator/store/telemetry_sources.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "aggregator/store/telemetry_schema.hpp"
#include "aggregator/store/telemetry_time.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMaxCached = 100'000;   // entries of each map; then it begins anew
constexpr int64_t kFirstReadings = 600;  // a life whose n-th reading, n at most this, was the first one heard
constexpr int64_t kMaxNumber = std::numeric_limits<int64_t>::max();

template <typename... Args>
Result<std::optional<int64_t>> find_id(sqlite::Statement& statement, const Args&... args) {
  std::optional<int64_t> id;
  Status status = statement.each(
      [&](const sqlite::Statement& row) -> Status {
        id = row.integer(0);
        return {};
      },
      args...);
  if (!status) return fail(status.error());
  return id;
}

}  // namespace

Status TelemetrySources::prepare(sqlite::Connection& connection) {
  const std::pair<sqlite::Statement*, const char*> statements[] = {
      {&add_node_, "INSERT OR IGNORE INTO node_names (node) VALUES (?)"},
      {&find_node_, "SELECT node_id FROM node_names WHERE node = ?"},
      {&add_source_, "INSERT OR IGNORE INTO sources (node_id, run, power_measured, first_number) VALUES (?, ?, ?, ?)"},
      {&find_source_, "SELECT source_id FROM sources WHERE node_id = ? AND run = ? AND power_measured = ?"},
      {&told_,
       "UPDATE sources SET told_until_us = max(told_until_us, ?1) WHERE source_id = ?2 RETURNING told_until_us"},
  };
  for (const auto& [target, sql] : statements) {
    auto statement = connection.prepare(sql);
    if (!statement) return fail(statement.error());
    *target = std::move(*statement);
  }
  connection_ = &connection;
  return prepare_reading(connection);
}

Status TelemetrySources::prepare_reading(sqlite::Connection& connection) {
  auto statement = connection.prepare(
      "SELECT s.node_id, s.run, min(o.first_number), min(o.source_id) FROM sources s JOIN sources o "
      "ON o.node_id = s.node_id AND o.run = s.run WHERE s.source_id = ? GROUP BY s.source_id");
  if (!statement) return fail(statement.error());
  read_source_ = std::move(*statement);
  return {};
}

Result<int64_t> TelemetrySources::node_id(const std::string& node) {
  if (const auto found = node_ids_.find(node); found != node_ids_.end()) return found->second;
  if (Status status = add_node_.run(node); !status) return fail(status.error());
  const auto id = find_id(find_node_, node);
  if (!id) return fail(id.error());
  if (node_ids_.size() >= kMaxCached) node_ids_.clear();
  node_ids_[node] = id->value_or(0);
  return id->value_or(0);
}

Result<int64_t> TelemetrySources::source_id(const std::string& node, uint64_t run, bool power_measured,
                                            uint64_t number) {
  Key key{node, run, power_measured};
  if (const auto found = source_ids_.find(key); found != source_ids_.end()) return found->second;
  const auto owner = node_id(node);
  if (!owner) return owner;
  const auto run_bits = static_cast<int64_t>(run);
  const auto first = static_cast<int64_t>(std::min<uint64_t>(number, kMaxNumber));
  if (Status status = add_source_.run(*owner, run_bits, power_measured, first); !status) return fail(status.error());
  const auto id = find_id(find_source_, *owner, run_bits, power_measured);
  if (!id) return fail(id.error());
  if (source_ids_.size() >= kMaxCached) source_ids_.clear();
  source_ids_[std::move(key)] = id->value_or(0);
  return id->value_or(0);
}

Result<Source> TelemetrySources::source(int64_t source_id) {
  if (const auto found = sources_.find(source_id); found != sources_.end()) return found->second;
  Source source;
  Status status = read_source_.each(
      [&](const sqlite::Statement& row) -> Status {
        source = {row.integer(0), {row.integer(1), row.integer(2) <= kFirstReadings, row.integer(3)}};
        return {};
      },
      source_id);
  if (!status) return fail(status.error());
  if (sources_.size() >= kMaxCached) sources_.clear();
  sources_[source_id] = source;
  return source;
}

Status TelemetrySources::told(int64_t source_id, int64_t ts_us) {
  const auto found = told_until_us_.find(source_id);
  if (found != told_until_us_.end() && ts_us < found->second) return {};
  const auto until_us = find_id(told_, floor_to(ts_us, kHourUs) + kHourUs, source_id);
  if (!until_us) return fail(until_us.error());
  if (told_until_us_.size() >= kMaxCached) told_until_us_.clear();
  told_until_us_[source_id] = until_us->value_or(0);
  return {};
}

// A life goes as a whole: its order and its begin are those of its first source. The newest source stays, so that
// numbers grow. That minutes name it is looked for only in the last hour in which it told something: that is where
// counters go on from.
Result<bool> TelemetrySources::purge(int64_t before_us, int64_t max_sources) {
  if (before_us <= 0) return false;
  const std::string from = std::to_string(std::exchange(looked_through_, 0));
  const auto through = connection_->integer(
      "SELECT coalesce(max(source_id), 0) FROM (SELECT source_id FROM sources "
      "WHERE source_id > " +
      from + " ORDER BY source_id LIMIT " + std::to_string(max_sources) + ")");
  if (!through) return fail(through.error());
  if (*through == 0) return false;
  Status status = connection_->execute(
      "DELETE FROM sources WHERE source_id IN (SELECT source_id FROM sources s WHERE source_id > " + from +
      " AND source_id <= " + std::to_string(*through) +
      " AND source_id < (SELECT max(source_id) FROM sources) AND NOT EXISTS (SELECT 1 FROM sources o "
      "WHERE o.node_id = s.node_id AND o.run = s.run AND (o.told_until_us > " +
      std::to_string(before_us) + " OR EXISTS (SELECT 1 FROM " + std::string(kMinuteTable) +
      " m WHERE m.node_id = o.node_id AND m.ts_us >= o.told_until_us - " + std::to_string(kHourUs) +
      " AND m.ts_us < o.told_until_us AND m.last_source_id = o.source_id))))");
  if (!status) return fail(status.error());
  if (connection_->changes() > 0) forget();
  looked_through_ = *through;
  return true;
}

void TelemetrySources::forget() {
  told_until_us_.clear();
  node_ids_.clear();
  source_ids_.clear();
  sources_.clear();
}

}  // namespace bramble::aggregator
