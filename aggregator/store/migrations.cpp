#include "aggregator/store/migrations.hpp"

namespace bramble::aggregator {
namespace {

Status apply(sqlite::Connection& connection, std::string_view script, size_t version) {
  auto transaction = sqlite::Transaction::begin(connection);
  if (!transaction) return tl::unexpected<Error>(transaction.error());
  if (Status status = connection.execute(std::string(script)); !status) return status;
  if (Status status = connection.execute("PRAGMA user_version = " + std::to_string(version)); !status) return status;
  return transaction->commit();
}

}  // namespace

Status migrate(sqlite::Connection& connection, Scripts scripts) {
  const auto found = connection.integer("PRAGMA user_version");
  if (!found) return tl::unexpected<Error>(found.error());
  const auto known = static_cast<int64_t>(scripts.size());
  if (*found < 0 || *found > known) {
    return fail(ErrorCode::corrupt, connection.name() + " was written by a newer bramble (schema " +
                                        std::to_string(*found) + ", this one knows " + std::to_string(known) +
                                        "): upgrade bramble or restore a backup");
  }
  for (auto version = static_cast<size_t>(*found); version < scripts.size(); ++version) {
    if (Status status = apply(connection, scripts[version], version + 1); !status) return status;
  }
  return {};
}

}  // namespace bramble::aggregator
