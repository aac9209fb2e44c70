#include "aggregator/store/stored_nodes.hpp"

#include "common/base/nearest.hpp"

namespace bramble::aggregator {

Result<std::map<std::string, int64_t>> find_nodes(sqlite::Connection& connection,
                                                  const std::vector<std::string>& wanted) {
  std::map<std::string, int64_t> all;
  auto statement = connection.prepare("SELECT node, node_id FROM node_names");
  if (!statement) return tl::unexpected<Error>(statement.error());
  Status status = statement->each([&](const sqlite::Statement& row) -> Status {
    all[row.string(0)] = row.integer(1);
    return {};
  });
  if (!status) return tl::unexpected<Error>(status.error());
  if (wanted.empty()) return all;
  std::map<std::string, int64_t> found;
  for (const auto& name : wanted) {
    const auto node = all.find(name);
    if (node == all.end()) {
      std::vector<std::string> names;
      for (const auto& [known, id] : all) names.push_back(known);
      return fail(ErrorCode::not_found, unknown("node", name, names) + " (no readings of it are stored)");
    }
    found.insert(*node);
  }
  return found;
}

Result<TierBounds> read_bounds(sqlite::Connection& connection) {
  TierBounds bounds;
  auto statement = connection.prepare("SELECT name, value FROM telemetry_meta");
  if (!statement) return tl::unexpected<Error>(statement.error());
  Status status = statement->each([&](const sqlite::Statement& row) -> Status {
    if (row.text(0) == "rolled_to_us") bounds.rolled_to_us = row.integer(1);
    if (row.text(0) == "raw_from_us") bounds.raw_from_us = row.integer(1);
    if (row.text(0) == "minute_from_us") bounds.minute_from_us = row.integer(1);
    return {};
  });
  if (!status) return tl::unexpected<Error>(status.error());
  return bounds;
}

}  // namespace bramble::aggregator
