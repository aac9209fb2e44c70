#include "aggregator/store/telemetry_table.hpp"

#include <algorithm>

#include "aggregator/store/migrations.hpp"

namespace bramble::aggregator {
namespace {

constexpr int kTelemetryBusyTimeoutMs = 5000;  // a thread of its own may wait
constexpr int64_t kPurgeStepRows = 5000;
constexpr int64_t kPurgeStepSources = 200;
constexpr int64_t kManyFreePages = 4096;
constexpr int kMaxSteps = 256;  // microseconds that are tried for a reading

// auto_vacuum must be said before the first table is made. Debian's SQLite would write zeros over all that is deleted.
constexpr const char* kSettings =
    "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
    "PRAGMA journal_size_limit = 16777216; PRAGMA secure_delete = OFF;";

}  // namespace

Result<std::unique_ptr<TelemetryTable>> TelemetryTable::open(const std::string& path, size_t max_others) {
  auto connection = sqlite::Connection::open(path, sqlite::OpenMode::read_write, kTelemetryBusyTimeoutMs);
  if (!connection) return fail(connection.error());
  std::unique_ptr<TelemetryTable> table(new TelemetryTable(std::move(*connection), max_others));
  if (Status status = table->prepare(); !status) return fail(status.error());
  return table;
}

Status TelemetryTable::prepare() {
  if (Status status = connection_.execute(kSettings); !status) return status;
  if (Status status = migrate(connection_, telemetry_schema()); !status) return status;
  {
    auto transaction = sqlite::Transaction::begin(connection_);
    if (!transaction) return fail(transaction.error());
    const auto columns = columns_of_store(connection_);
    if (!columns) return fail(columns.error());
    if (Status status = make_columns(connection_, *columns); !status) return status;
    if (Status status = transaction->commit(); !status) return status;
    columns_ = *columns;
  }
  if (Status status = sources_.prepare(connection_); !status) return status;
  if (Status status = others_.prepare(); !status) return status;
  return prepare_columns();
}

Status TelemetryTable::prepare_columns() {
  auto insert = connection_.prepare(insert_reading_sql(columns_));
  if (!insert) return fail(insert.error());
  insert_ = std::move(*insert);
  return rollups_.prepare(columns_);
}

void TelemetryTable::forget() {
  sources_.forget();
  (void)others_.load();
  const auto columns = columns_of_store(connection_);
  if (!columns || *columns == columns_) return;
  columns_ = *columns;
  (void)prepare_columns();  // what fails here fails again when it is used, and is told then
}

Status TelemetryTable::write(const std::vector<ScaledRow>& rows) {
  auto transaction = sqlite::Transaction::begin(connection_);
  if (!transaction) return fail(transaction.error());
  const uint64_t others_refused = others_.refused();
  rows_refused_ = 0;
  Status status = write_all(rows);
  if (status) status = transaction->commit();
  if (status) return status;
  { const auto rolled_back = std::move(*transaction); }
  others_.set_refused(others_refused);
  forget();
  return status;
}

Status TelemetryTable::write_all(const std::vector<ScaledRow>& rows) {
  if (Status status = add_columns(rows); !status) return status;
  for (const auto& row : rows) {
    Status status = write_row(row);
    if (!status && sqlite::may_work_later(status.error())) return status;
    if (status) continue;
    ++rows_refused_;
    refusal_ = status.error().message;
  }
  return {};
}

Status TelemetryTable::add_columns(const std::vector<ScaledRow>& rows) {
  ColumnSet told = columns_;
  for (const auto& row : rows) told |= row.values.present();
  if (told == columns_) return {};
  if (Status status = make_columns(connection_, told); !status) return status;
  columns_ = told;
  return prepare_columns();
}

Status TelemetryTable::write_row(const ScaledRow& row) {
  const auto source = sources_.source_id(row.node, row.run, row.power_measured, row.number);
  if (!source) return fail(source.error());
  const auto node = sources_.node_id(row.node);
  if (!node) return fail(node.error());
  const auto ts_us = insert(row.ts_us, *source, row.values);
  if (!ts_us) return fail(ts_us.error());
  if (*ts_us < rollups_.rolled_to_us()) {
    if (Status status = rollups_.mark_late(*ts_us, *node); !status) return status;
  }
  if (Status status = sources_.told(*source, *ts_us); !status) return status;
  return others_.write(row.others, *ts_us, *node);
}

// Stamps are milliseconds: those of one millisecond follow each other, so that a free microsecond is seldom searched.
Result<int64_t> TelemetryTable::insert(int64_t ts_us, int64_t source, const ScaledValues& values) {
  if (ts_us <= last_us_ && last_us_ - ts_us < 1000) ts_us = last_us_ + 1;
  insert_.bind_at(2, source);
  int at = 2;
  for_each_column(columns_, [&](size_t place) { insert_.bind_at(++at, values[place]); });
  for (int step = 0; step < kMaxSteps; ++step, ++ts_us) {
    insert_.bind_at(1, ts_us);
    if (Status status = insert_.run_bound(); !status) return fail(status.error());
    if (connection_.changes() > 0) {
      last_us_ = ts_us;
      return ts_us;
    }
  }
  return fail(ErrorCode::limit, "telemetry.db has no free microsecond after " + std::to_string(ts_us));
}

// --- purging ---

Result<bool> TelemetryTable::purge(const PurgeBefore& before) {
  const auto rolled_us = rollups_.all_rolled_to_us();
  if (!rolled_us) return fail(rolled_us.error());
  const int64_t raw_us = std::min(before.raw_us, *rolled_us);
  const std::pair<std::string_view, int64_t> rollups[] = {{kMinuteTable, before.minute_us},
                                                          {kHourTable, before.hour_us}};
  auto more = purge_readings(raw_us);
  if (more && !*more) more = others_.purge_hours(before.hour_us, kPurgeStepRows);
  for (const auto& [table, before_us] : rollups) {
    if (more && !*more) more = purge_rollups(table, before_us);
  }
  if (more && !*more) more = sources_.purge(raw_us, kPurgeStepSources);
  if (!more || *more) return more;
  Status status = others_.purge_names(std::min(raw_us, before.hour_us));
  if (status) status = give_back_pages();
  if (!status) return fail(status.error());
  return false;
}

Result<bool> TelemetryTable::purge_readings(int64_t before_us) {
  const std::string rows = "(SELECT ts_us FROM telemetry_raw WHERE ts_us < " + std::to_string(before_us) +
                           " ORDER BY ts_us LIMIT " + std::to_string(kPurgeStepRows) + ")";
  const auto count = connection_.integer("SELECT count(*) FROM " + rows);
  if (!count) return fail(count.error());
  if (*count == 0) return false;
  const auto through = connection_.integer("SELECT max(ts_us) FROM " + rows);
  if (!through) return fail(through.error());
  const std::string last = std::to_string(*through);
  auto transaction = sqlite::Transaction::begin(connection_);
  if (!transaction) return fail(transaction.error());
  Status status = connection_.execute(
      "DELETE FROM telemetry_raw WHERE ts_us <= " + last + "; " + TelemetryOthers::make_hours_sql(*through) +
      "; UPDATE telemetry_meta SET value = max(value, " + last + " + 1) WHERE name = 'raw_from_us'");
  if (status) status = transaction->commit();
  if (!status) return fail(status.error());
  return *count == kPurgeStepRows;
}

Result<bool> TelemetryTable::purge_rollups(std::string_view table, int64_t before_us) {
  if (before_us <= 0) return false;
  auto expired = connection_.prepare("SELECT node_id, (SELECT ts_us FROM " + std::string(table) +
                                     " t WHERE t.node_id = n.node_id ORDER BY ts_us LIMIT 1 OFFSET 1000) FROM "
                                     "node_names n WHERE EXISTS (SELECT 1 FROM " +
                                     std::string(table) + " t WHERE t.node_id = n.node_id AND ts_us < ?) LIMIT 1");
  if (!expired) return fail(expired.error());
  int64_t node = 0;
  int64_t until_us = before_us;
  Status status = expired->each(
      [&](const sqlite::Statement& row) -> Status {
        node = row.integer(0);
        if (!row.is_null(1)) until_us = std::min(until_us, row.integer(1));
        return {};
      },
      before_us);
  if (!status) return fail(status.error());
  if (node == 0) return false;
  const std::string until = std::to_string(until_us);
  const std::string purged = table == kMinuteTable ? "minute_from_us" : "hour_from_us";
  auto transaction = sqlite::Transaction::begin(connection_);
  if (!transaction) return fail(transaction.error());
  status = connection_.execute("DELETE FROM " + std::string(table) + " WHERE node_id = " + std::to_string(node) +
                               " AND ts_us < " + until + "; UPDATE telemetry_meta SET value = max(value, " + until +
                               ") WHERE name = '" + purged + "'");
  if (status) status = transaction->commit();
  if (!status) return fail(status.error());
  return true;
}

Status TelemetryTable::give_back_pages() {
  const auto free_pages = connection_.integer("PRAGMA freelist_count");
  if (!free_pages) return fail(free_pages.error());
  return *free_pages < kManyFreePages ? Status{} : connection_.execute("PRAGMA incremental_vacuum(256)");
}

}  // namespace bramble::aggregator
