#include "aggregator/store/token_rows.hpp"

namespace bramble::aggregator {
namespace {

constexpr std::string_view kPut =
    "INSERT OR REPLACE INTO tokens_raw (name, role, owner, sha256, created_ms, created_by, expires_ms) "
    "VALUES (?,?,?,?,?,?,?)";
constexpr std::string_view kRemove = "DELETE FROM tokens_raw WHERE name = ?";
constexpr std::string_view kLoad =
    "SELECT name, role, owner, sha256, created_ms, created_by, expires_ms FROM tokens_raw ORDER BY name";

}  // namespace

Status TokenWriter::prepare(sqlite::Connection& connection) {
  auto put = connection.prepare(std::string(kPut));
  if (!put) return tl::unexpected<Error>(put.error());
  auto remove = connection.prepare(std::string(kRemove));
  if (!remove) return tl::unexpected<Error>(remove.error());
  put_ = std::move(*put);
  remove_ = std::move(*remove);
  return {};
}

Status TokenWriter::put(const PutToken& write) {
  const TokenRecord& token = write.token;
  const auto expires_ms = token.expires ? std::optional(token.expires->ms) : std::nullopt;
  return put_.run(token.name, to_string(token.role), token.owner, token.sha256, token.created.ms, token.created_by,
                  expires_ms);
}

Status TokenWriter::put(const RemoveToken& write) { return remove_.run(write.name); }

Status load_tokens(sqlite::Connection& connection, LoadedState& state) {
  auto statement = connection.prepare(std::string(kLoad));
  if (!statement) return tl::unexpected<Error>(statement.error());
  return statement->each([&](const sqlite::Statement& row) -> Status {
    const auto role = parse_role(row.text(1));
    if (!role) return {};  // of a later version: it opens nothing here
    TokenRecord token{row.string(0), *role, row.string(2), row.string(3), {row.integer(4)}, row.string(5), {}};
    if (!row.is_null(6)) token.expires = WallTime{row.integer(6)};
    state.tokens.push_back(std::move(token));
    return {};
  });
}

}  // namespace bramble::aggregator
