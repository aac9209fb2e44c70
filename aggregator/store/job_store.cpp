#include "aggregator/store/job_store.hpp"

#include "aggregator/store/job_load.hpp"
#include "aggregator/store/migrations.hpp"

namespace bramble::aggregator {
namespace {

// Long enough for another's short write; the reactor tries again anyway, and meanwhile should hear its nodes.
constexpr int kCommitBusyTimeoutMs = 200;

// A log of up to 16 MiB: pages that change with every batch are copied into the database, and synced, less often.
// journal_size_limit gives the space back after a burst.
constexpr const char* kSettings =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; "
    "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;";

Status prepare_database(sqlite::Connection& connection) {
  if (Status status = connection.execute(kSettings); !status) return status;
  if (Status status = migrate(connection, jobs_schema()); !status) return status;
  return connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'term'");
}

}  // namespace

Result<std::unique_ptr<SqliteJobStore>> SqliteJobStore::open(const std::string& path, int64_t keep_energy_ms) {
  auto connection = sqlite::Connection::open(path, sqlite::OpenMode::read_write, kCommitBusyTimeoutMs);
  if (!connection) return tl::unexpected<Error>(connection.error());
  if (Status status = prepare_database(*connection); !status) return tl::unexpected<Error>(status.error());
  auto writer = JobWriter::prepare(*connection, keep_energy_ms);
  if (!writer) return tl::unexpected<Error>(writer.error());
  return std::unique_ptr<SqliteJobStore>(new SqliteJobStore(std::move(*connection), std::move(*writer)));
}

Result<LoadedState> SqliteJobStore::load() { return load_jobs(connection_); }

Status SqliteJobStore::commit(std::span<const StoreWrite> writes) {
  if (writes.empty()) return {};
  auto transaction = sqlite::Transaction::begin(connection_);
  if (!transaction) return tl::unexpected<Error>(transaction.error());
  if (Status status = writer_.apply(writes); !status) return status;
  return transaction->commit();
}

}  // namespace bramble::aggregator
