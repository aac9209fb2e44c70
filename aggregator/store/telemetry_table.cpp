#include "aggregator/store/telemetry_table.hpp"

#include <tuple>
#include <utility>

#include "aggregator/store/migrations.hpp"

namespace bramble::aggregator {
namespace {

constexpr int kBusyTimeoutMs = 5000;  // a thread of its own may wait
constexpr int64_t kPurgeStepMs = 600'000;
constexpr int64_t kManyFreePages = 4096;

// auto_vacuum must be said before the first table is made.
constexpr const char* kSettings =
    "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
    "PRAGMA journal_size_limit = 16777216;";

tl::unexpected<Error> failed(const Error& error) { return tl::unexpected<Error>(error); }

}  // namespace

Result<TelemetryTable> TelemetryTable::open(const std::string& path) {
  auto connection = sqlite::Connection::open(path, sqlite::OpenMode::read_write, kBusyTimeoutMs);
  if (!connection) return failed(connection.error());
  TelemetryTable table(std::move(*connection));
  if (Status status = table.prepare(); !status) return failed(status.error());
  return table;
}

Status TelemetryTable::prepare() {
  if (Status status = connection_.execute(kSettings); !status) return status;
  if (Status status = migrate(connection_, telemetry_schema()); !status) return status;
  const std::pair<sqlite::Statement*, std::string> statements[] = {
      {&insert_, insert_telemetry_sql()},
      {&add_node_, "INSERT OR IGNORE INTO node_names (node) VALUES (?)"},
      {&find_node_, "SELECT node_id FROM node_names WHERE node = ?"},
      {&purge_, "DELETE FROM telemetry_raw WHERE ts_ms < min(?1, (SELECT min(ts_ms) FROM telemetry_raw) + ?2)"},
  };
  for (const auto& [target, sql] : statements) {
    auto statement = connection_.prepare(sql);
    if (!statement) return failed(statement.error());
    *target = std::move(*statement);
  }
  return {};
}

Status TelemetryTable::write(const std::vector<ScaledRow>& rows) {
  auto transaction = sqlite::Transaction::begin(connection_);
  if (!transaction) return failed(transaction.error());
  Status status;
  for (const auto& row : rows) {
    status = write_row(row);
    if (!status) break;
  }
  if (status) status = transaction->commit();
  if (!status) node_ids_.clear();  // those made in this transaction do not exist
  return status;
}

Status TelemetryTable::write_row(const ScaledRow& row) {
  const auto id = node_id(row.node);
  if (!id) return failed(id.error());
  return std::apply([&](const auto&... values) { return insert_.run(row.ts_ms, *id, row.power_measured, values...); },
                    row.values);
}

Result<int64_t> TelemetryTable::node_id(const std::string& node) {
  if (const auto found = node_ids_.find(node); found != node_ids_.end()) return found->second;
  if (Status status = add_node_.run(node); !status) return failed(status.error());
  int64_t id = 0;
  Status status = find_node_.each(
      [&](const sqlite::Statement& row) -> Status {
        id = row.integer(0);
        return {};
      },
      node);
  if (!status) return failed(status.error());
  node_ids_[node] = id;
  return id;
}

Status TelemetryTable::purge(int64_t before_ms) {
  if (Status status = purge_.run(before_ms, kPurgeStepMs); !status) return status;
  const auto free_pages = connection_.integer("PRAGMA freelist_count");
  if (!free_pages) return failed(free_pages.error());
  return *free_pages < kManyFreePages ? Status{} : connection_.execute("PRAGMA incremental_vacuum(256)");
}

}  // namespace bramble::aggregator
