// Who gets an API token, and who loses it.
#include "aggregator/core/tokens.hpp"

#include <nlohmann/json.hpp>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/power_internal.hpp"
#include "common/base/duration.hpp"
#include "common/base/nearest.hpp"

namespace bramble::aggregator {
namespace {

using nlohmann::json;

json to_json(const TokenRecord& token, Now now) {
  return {{"name", token.name},
          {"role", to_string(token.role)},
          {"owner", token.owner},
          {"created_ms", token.created.ms},
          {"created_by", token.created_by},
          {"expires_ms", token.expires ? json(token.expires->ms) : json(nullptr)},
          {"expired", token.expires && *token.expires <= now.wall}};
}

ApiReply answer(const json& body, int status = 200) {
  return {status, body.dump(-1, ' ', false, json::error_handler_t::replace), {}};
}

std::string described(const TokenRecord& token) { return std::string(to_string(token.role)) + ", of " + token.owner; }

void put_out(const State& state, Effects& effects) {
  effects.tokens.emplace();
  for (const auto& [name, token] : state.tokens) effects.tokens->push_back(token);
}

// Said again because the answer got lost.
bool is_same(const TokenRecord& token, const TokenRecord& wanted) {
  return token.sha256 == wanted.sha256 && token.role == wanted.role && token.owner == wanted.owner;
}

std::optional<ApiReply> refuse_token(const State& state, const TokenRecord& wanted) {
  for (const auto& [name, token] : state.tokens) {
    if (name == wanted.name) {
      return refuse(409, "there is a token " + name + " already (" + described(token) +
                             "): remove it first, or choose another name");
    }
    if (token.sha256 == wanted.sha256) return refuse(409, "this is the token " + name + ": make another one");
  }
  if (state.tokens.size() < kMaxTokens) return {};
  return refuse(409, "there are " + std::to_string(kMaxTokens) +
                         " tokens, and no more are kept: remove some (bramble token list)");
}

}  // namespace

ApiReply add_token(State& state, Effects& effects, Now now, const Caller& caller, const AddTokenRequest& request) {
  if (!caller.operator_) return refuse(403, "only an operator may give out tokens");
  TokenRecord token{request.name,
                    request.role,
                    request.owner.empty() ? caller.user : request.owner,
                    request.sha256,
                    now.wall,
                    caller.user,
                    {}};
  if (request.lifetime_ms) token.expires = WallTime{now.wall.ms + *request.lifetime_ms};
  const auto before = state.tokens.find(token.name);
  if (before != state.tokens.end() && is_same(before->second, token)) return answer(to_json(before->second, now));
  if (auto refused = refuse_token(state, token)) return *refused;
  effects.writes.push_back(PutToken{token});
  audit(state, effects, now, caller.user, "", "token " + token.name + " added", described(token),
        request.lifetime_ms ? "for " + format_duration(*request.lifetime_ms) : "for ever");
  const json body = to_json(token, now);
  state.tokens.emplace(token.name, std::move(token));
  put_out(state, effects);
  return answer(body, 201);
}

ApiReply remove_token(State& state, Effects& effects, Now now, const Caller& caller, const std::string& name) {
  if (!caller.operator_) return refuse(403, "only an operator may remove tokens");
  const auto found = state.tokens.find(name);
  if (found == state.tokens.end()) {
    std::vector<std::string> known;
    for (const auto& [other, token] : state.tokens) known.push_back(other);
    return refuse(404, unknown("token", name, known));
  }
  audit(state, effects, now, caller.user, "", "token " + name + " removed", described(found->second), "");
  effects.writes.push_back(RemoveToken{name});
  state.tokens.erase(found);
  put_out(state, effects);
  return answer({{"removed", name}});
}

ApiReply list_tokens(const State& state, Now now, const Caller& caller) {
  if (!caller.operator_) return refuse(403, "only an operator may list tokens");
  json list = json::array();
  for (const auto& [name, token] : state.tokens) list.push_back(to_json(token, now));
  return answer(list);
}

}  // namespace bramble::aggregator
