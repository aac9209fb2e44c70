// API tokens. The command makes them: the aggregator only ever hears their digest, and a request may be said again.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/table.hpp"
#include "aggregator/cli/text.hpp"
#include "common/posix/digest.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

// 256 random bits, behind a word by which people and scanners for lost secrets know what it is.
std::string new_token() {
  std::string token = "bramble_";
  for (int i = 0; i < 4; ++i) token += fmt::format("{:016x}", posix::random_u64());
  return token;
}

std::string expiry_text(const json& token) {
  const int64_t expires_ms = number_field(token, "expires_ms");
  if (expires_ms == 0) return "never";
  return clock_text(expires_ms) + (flag_field(token, "expired") ? " (expired)" : "");
}

}  // namespace

Result<int> token_add(const Session& session, const TokenAddCommand& command) {
  Api api = session.connect();
  const std::string token = new_token();
  json body = {{"name", command.name}, {"role", command.role}, {"sha256", posix::sha256_hex(token)}};
  if (!command.owner.empty()) body["owner"] = command.owner;
  if (command.lifetime_ms > 0) body["lifetime_s"] = command.lifetime_ms / 1000;
  auto reply = api.post("/api/v1/tokens", body);
  if (!reply) return tl::unexpected(reply.error());
  (*reply)["token"] = token;
  if (session.common.json) return printed(session, reply->dump() + "\n");
  session.console.say(fmt::format("{} is {}'s, for {}; keep it: it is not shown again", command.name,
                                  text_field(*reply, "role"), text_field(*reply, "owner")));
  return printed(session, token + "\n");
}

Result<int> token_list(const Session& session) {
  Api api = session.connect();
  const auto tokens = api.get("/api/v1/tokens");
  if (!tokens) return tl::unexpected(tokens.error());
  if (session.common.json) return printed(session, tokens->dump() + "\n");
  Table table({{"NAME"}, {"ROLE"}, {"OWNER", false, true}, {"MADE"}, {"BY", false, true}, {"EXPIRES"}});
  for (const json& token : *tokens) {
    table.add_row({text_field(token, "name"), text_field(token, "role"), text_field(token, "owner"),
                   clock_text(number_field(token, "created_ms")), text_field(token, "created_by"), expiry_text(token)});
  }
  return printed(session, table.render(session.console.columns()));
}

Result<int> token_remove(const Session& session, const TokenRemoveCommand& command) {
  Api api = session.connect();
  const auto reply = api.post("/api/v1/tokens/remove", {{"name", command.name}});
  if (!reply) return tl::unexpected(reply.error());
  if (session.common.json) return printed(session, reply->dump() + "\n");
  return printed(session, command.name + " opens nothing any more\n");
}

}  // namespace bramble::cli
