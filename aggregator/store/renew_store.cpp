#include "aggregator/store/renew_store.hpp"

#include <unistd.h>

#include "aggregator/store/migrations.hpp"
#include "aggregator/store/sqlite.hpp"
#include "common/posix/system_clock.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::aggregator {
namespace {

constexpr int kRenewBusyTimeoutMs = 5000;

}  // namespace

Result<StoreId> renew_store(const std::string& jobs_db) {
  if (::access(jobs_db.c_str(), F_OK) != 0) return fail(ErrorCode::not_found, "there is no " + jobs_db);
  auto connection = sqlite::Connection::open(jobs_db, sqlite::OpenMode::read_write, kRenewBusyTimeoutMs);
  if (!connection) return tl::unexpected<Error>(connection.error());
  if (Status status = migrate(*connection, jobs_schema()); !status) return tl::unexpected<Error>(status.error());
  auto transaction = sqlite::Transaction::begin(*connection);
  if (!transaction) return tl::unexpected<Error>(transaction.error());
  const StoreId store = posix::random_uuid();
  const std::string now_ms = std::to_string(posix::wall_now().ms);
  for (const std::string& sql :
       {"UPDATE meta SET value = '" + store + "' WHERE name = 'store'",
        std::string("UPDATE meta SET value = 0 WHERE name = 'term'"),
        "UPDATE attempts_raw SET ended_ms = " + now_ms + ", outcome = 'store renewed' WHERE ended_ms IS NULL",
        std::string("UPDATE tasks_raw SET state = 'queued' WHERE state IN ('assigned', 'running', 'silent')"),
        // What was wanted and seen of the nodes' power is as old as the copy: the lines will tell.
        std::string("UPDATE power_raw SET wish = 'none', how = 'clean', by_person = 0, cycle = 0, state = 'unknown', "
                    "was_on = 0, off_proved = 0, press_open = 0")}) {
    if (Status status = connection->execute(sql); !status) return tl::unexpected<Error>(status.error());
  }
  if (Status status = transaction->commit(); !status) return tl::unexpected<Error>(status.error());
  return store;
}

}  // namespace bramble::aggregator
