#include "aggregator/store/telemetry_rollups.hpp"

#include <unordered_map>
#include <utility>

namespace bramble::aggregator {
namespace {

constexpr int64_t kFutureUs = 2 * kMinuteUs;  // a mark so far beyond now is one of a clock that was wrong

Status prepare_all(sqlite::Connection& connection,
                   std::initializer_list<std::pair<sqlite::Statement*, std::string>> statements) {
  for (const auto& [target, sql] : statements) {
    auto statement = connection.prepare(sql);
    if (!statement) return fail(statement.error());
    *target = std::move(*statement);
  }
  return {};
}

}  // namespace

ScaledValues read_values(const sqlite::Statement& row, int first, ColumnSet columns) {
  ScaledValues values;
  for_each_column(columns, [&](size_t place) {
    if (!row.is_null(first)) values.set(place, row.integer(first));
    ++first;
  });
  return values;
}

Rollup read_rollup(const sqlite::Statement& row, ColumnSet columns) {
  Rollup rollup;
  rollup.readings = row.integer(2);
  rollup.covered_us = row.integer(3);
  rollup.last_us = row.integer(1) + row.integer(4);
  rollup.last_source = row.integer(5);
  int at = kRollupHeadColumns;
  for_each_column(columns, [&](size_t place) {
    MetricSummary& summary = rollup.metrics[place];
    if (kTelemetryColumns[place].is_counter()) {
      summary.has_last = !row.is_null(at);
      summary.last = row.integer(at++);
      summary.told = !row.is_null(at);
      summary.increase = row.integer(at++);
    } else {
      summary.told = !row.is_null(at);
      summary.min = row.integer(at++);
      summary.mean = row.integer(at++);
      summary.max = row.integer(at++);
    }
  });
  return rollup;
}

// --- RollupRows ---

Status RollupRows::prepare(sqlite::Connection& connection, std::string_view table, ColumnSet columns) {
  columns_ = columns;
  const std::string name(table);
  return prepare_all(
      connection,
      {{&put_, put_rollup_sql(table, columns)},
       {&before_, select_rollup_sql(table, columns, "node_id = ? AND ts_us < ? ORDER BY ts_us DESC LIMIT 1")},
       {&range_, select_rollup_sql(table, columns, "node_id = ? AND ts_us >= ? AND ts_us < ? ORDER BY ts_us")},
       {&next_, "SELECT ts_us FROM " + name + " WHERE node_id = ? AND ts_us >= ? ORDER BY ts_us LIMIT 1"}});
}

Status RollupRows::put(int64_t node_id, int64_t ts_us, const Rollup& rollup) {
  int at = 0;
  for (const int64_t value :
       {node_id, ts_us, rollup.readings, rollup.covered_us, rollup.last_us - ts_us, rollup.last_source}) {
    put_.bind_at(++at, value);
  }
  const auto bind_if = [&](bool known, int64_t value) {
    put_.bind_at(++at, known ? std::optional(value) : std::nullopt);
  };
  for_each_column(columns_, [&](size_t place) {
    const MetricSummary& summary = rollup.metrics[place];
    if (kTelemetryColumns[place].is_counter()) {
      bind_if(summary.has_last, summary.last);
      bind_if(summary.told, summary.increase);
    } else {
      for (const int64_t value : {summary.min, summary.mean, summary.max}) bind_if(summary.told, value);
    }
  });
  return put_.run_bound();
}

Result<std::optional<Rollup>> RollupRows::before(int64_t node_id, int64_t ts_us) {
  std::optional<Rollup> found;
  Status status = before_.each(
      [&](const sqlite::Statement& row) -> Status {
        found = read_rollup(row, columns_);
        return {};
      },
      node_id, ts_us);
  if (!status) return fail(status.error());
  return found;
}

Result<std::vector<Rollup>> RollupRows::range(int64_t node_id, int64_t from_us, int64_t to_us) {
  std::vector<Rollup> rows;
  Status status = range_.each(
      [&](const sqlite::Statement& row) -> Status {
        rows.push_back(read_rollup(row, columns_));
        return {};
      },
      node_id, from_us, to_us);
  if (!status) return fail(status.error());
  return rows;
}

Result<std::optional<int64_t>> RollupRows::next(int64_t node_id, int64_t ts_us) {
  std::optional<int64_t> found;
  Status status = next_.each(
      [&](const sqlite::Statement& row) -> Status {
        found = row.integer(0);
        return {};
      },
      node_id, ts_us);
  if (!status) return fail(status.error());
  return found;
}

// --- TelemetryRollups ---

Status TelemetryRollups::prepare(ColumnSet columns) {
  columns_ = columns;
  if (Status status = minutes_.prepare(connection_, kMinuteTable, columns); !status) return status;
  if (Status status = hours_.prepare(connection_, kHourTable, columns); !status) return status;
  Status status = prepare_all(
      connection_, {{&readings_, select_readings_sql(columns)},
                    {&next_reading_, "SELECT ts_us FROM telemetry_raw WHERE ts_us >= ? ORDER BY ts_us LIMIT 1"},
                    {&mark_late_, "INSERT OR IGNORE INTO minutes_again (ts_us, node_id) VALUES (?, ?)"},
                    {&late_minutes_,
                     "SELECT ts_us, node_id FROM minutes_again WHERE ts_us IN (SELECT DISTINCT ts_us FROM "
                     "minutes_again ORDER BY ts_us LIMIT ?) ORDER BY ts_us"},
                    {&done_late_, "DELETE FROM minutes_again WHERE ts_us = ?"},
                    {&set_rolled_to_, "UPDATE telemetry_meta SET value = ? WHERE name = 'rolled_to_us'"}});
  if (!status) return status;
  const auto rolled_to = connection_.integer("SELECT value FROM telemetry_meta WHERE name = 'rolled_to_us'");
  if (!rolled_to) return fail(rolled_to.error());
  rolled_to_us_ = *rolled_to;
  return {};
}

Status TelemetryRollups::mark_late(int64_t ts_us, int64_t node_id) {
  return mark_late_.run(floor_to(ts_us, kMinuteUs), node_id);
}

Result<int64_t> TelemetryRollups::all_rolled_to_us() {
  return connection_.integer("SELECT min(" + std::to_string(rolled_to_us_) + ", coalesce(min(ts_us), " +
                             std::to_string(rolled_to_us_) + ")) FROM minutes_again");
}

Result<bool> TelemetryRollups::roll(int64_t now_us, size_t max_minutes) {
  const int64_t before = rolled_to_us_;
  auto transaction = sqlite::Transaction::begin(connection_);
  if (!transaction) return fail(transaction.error());
  Status status;
  if (rolled_to_us_ > now_us + kFutureUs) status = set_rolled_to(floor_to(now_us, kMinuteUs));
  Result<bool> more = status ? roll_late(max_minutes) : Result<bool>(fail(status.error()));
  if (more && !*more) more = roll_new(floor_to(now_us, kMinuteUs), max_minutes);
  status = more ? transaction->commit() : Status(fail(more.error()));
  if (status) return more;
  rolled_to_us_ = before;
  return fail(status.error());
}

// The minute after a late one is made anew too: what its counters have grown by begins elsewhere now.
Result<bool> TelemetryRollups::roll_late(size_t max_minutes) {
  std::map<int64_t, Nodes> late;
  Status status = late_minutes_.each(
      [&](const sqlite::Statement& row) -> Status {
        late[row.integer(0)].insert(row.integer(1));
        return {};
      },
      static_cast<int64_t>(max_minutes));
  if (!status) return fail(status.error());
  const auto raw_from_us = connection_.integer("SELECT value FROM telemetry_meta WHERE name = 'raw_from_us'");
  if (!raw_from_us) return fail(raw_from_us.error());
  const size_t count = late.size();
  std::map<int64_t, Nodes> hours;
  for (auto minute = late.begin(); minute != late.end(); minute = late.erase(minute)) {
    Nodes made;
    const int64_t ts_us = minute->first;
    for (auto node = minute->second.begin(); node != minute->second.end();) {
      const auto passed = is_passed(*node, ts_us, *raw_from_us);
      if (!passed) return fail(passed.error());
      node = *passed ? minute->second.erase(node) : std::next(node);
    }
    status = make_minute(ts_us, &minute->second, made);
    if (status) status = done_late_.run(ts_us);
    for (const int64_t node : made) {
      hours[floor_to(ts_us, kHourUs)].insert(node);
      const auto next = status ? minutes_.next(node, ts_us + kMinuteUs) : std::optional<int64_t>();
      if (!next) return fail(next.error());
      if (!*next || !minute->second.contains(node)) continue;
      Nodes after;
      const Nodes only{node};
      if (!late.contains(**next)) status = make_minute(**next, &only, after);
      if (!after.empty()) hours[floor_to(**next, kHourUs)].insert(node);
    }
    if (!status) return fail(status.error());
  }
  for (const auto& [hour_us, nodes] : hours) {
    if (hour_us + kHourUs <= rolled_to_us_) status = make_hour(hour_us, nodes);
    if (!status) return fail(status.error());
  }
  return count >= max_minutes;
}

Result<bool> TelemetryRollups::roll_new(int64_t until_us, size_t max_minutes) {
  for (size_t made = 0; rolled_to_us_ < until_us; ++made) {
    if (made == max_minutes) return true;
    std::optional<int64_t> next;
    Status status = next_reading_.each(
        [&](const sqlite::Statement& row) -> Status {
          next = row.integer(0);
          return {};
        },
        rolled_to_us_);
    if (!status) return fail(status.error());
    const int64_t minute_us = next ? floor_to(*next, kMinuteUs) : until_us;
    const int64_t from_us = rolled_to_us_;
    Nodes nodes;
    if (minute_us < until_us) status = make_minute(minute_us, nullptr, nodes);
    if (status) status = set_rolled_to(minute_us < until_us ? minute_us + kMinuteUs : until_us);
    // What was passed over is empty, so the hour that this began in and the one that it ended in are all there is.
    for (const int64_t hour_us : {floor_to(from_us, kHourUs), floor_to(minute_us, kHourUs)}) {
      const bool closed = hour_us + kHourUs <= rolled_to_us_;
      if (status && closed) status = close_hour(hour_us);
    }
    if (!status) return fail(status.error());
  }
  return false;
}

Status TelemetryRollups::close_hour(int64_t hour_us) {
  Nodes nodes;
  auto all = connection_.prepare("SELECT node_id FROM node_names");
  if (!all) return fail(all.error());
  Status status = all->each([&](const sqlite::Statement& row) -> Status {
    nodes.insert(row.integer(0));
    return {};
  });
  return status ? make_hour(hour_us, nodes) : status;
}

Status TelemetryRollups::make_minute(int64_t minute_us, const Nodes* nodes, Nodes& made) {
  std::unordered_map<int64_t, RollupBuilder> builders;
  Status status = readings_.each(
      [&](const sqlite::Statement& row) -> Status {
        const auto source = sources_.source(row.integer(1));
        if (!source) return fail(source.error());
        if (nodes != nullptr && !nodes->contains(source->node_id)) return {};
        auto builder = builders.find(source->node_id);
        if (builder == builders.end()) {
          auto before = minutes_.before(source->node_id, minute_us);
          if (!before) return fail(before.error());
          if (*before) {
            const auto last = sources_.source((*before)->last_source);
            if (!last) return fail(last.error());
            (*before)->last_life = last->life;
          }
          builder = builders.emplace(source->node_id, RollupBuilder(*before)).first;
        }
        builder->second.add(row.integer(0), row.integer(1), source->life, read_values(row, 2, columns_));
        return {};
      },
      minute_us, minute_us + kMinuteUs);
  for (auto& [node, builder] : builders) {
    if (!status) break;
    const Rollup rollup = builder.finish();
    const Result<bool> complete = nodes == nullptr ? true : is_complete(node, minute_us, rollup);
    if (!complete) return fail(complete.error());
    if (!*complete) continue;
    status = minutes_.put(node, minute_us, rollup);
    made.insert(node);
  }
  return status;
}

Result<bool> TelemetryRollups::is_passed(int64_t node_id, int64_t minute_us, int64_t raw_from_us) {
  const auto next = minutes_.next(node_id, minute_us + kMinuteUs);
  if (!next) return fail(next.error());
  return *next && **next < raw_from_us;
}

// A minute is made anew only of as many readings as it was made of before: some of them may be purged by now.
Result<bool> TelemetryRollups::is_complete(int64_t node_id, int64_t minute_us, const Rollup& rollup) {
  const auto old = minutes_.range(node_id, minute_us, minute_us + 1);
  if (!old) return fail(old.error());
  return old->empty() || old->front().readings <= rollup.readings;
}

Status TelemetryRollups::make_hour(int64_t hour_us, const Nodes& nodes) {
  for (const int64_t node : nodes) {
    const auto minutes = minutes_.range(node, hour_us, hour_us + kHourUs);
    if (!minutes) return fail(minutes.error());
    if (minutes->empty()) continue;
    if (Status status = hours_.put(node, hour_us, combine(*minutes)); !status) return status;
  }
  return {};
}

Status TelemetryRollups::set_rolled_to(int64_t ts_us) {
  if (Status status = set_rolled_to_.run(ts_us); !status) return status;
  rolled_to_us_ = ts_us;
  return {};
}

}  // namespace bramble::aggregator
