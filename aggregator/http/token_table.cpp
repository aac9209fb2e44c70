#include "aggregator/http/token_table.hpp"

#include "common/posix/digest.hpp"

namespace bramble::aggregator::http {
namespace {

constexpr const char* kFileOwner = "operator";

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;  // of digests: never
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

const TokenRecord* find(const std::vector<TokenRecord>& tokens, const std::string& sha256) {
  const TokenRecord* found = nullptr;
  for (const TokenRecord& token : tokens) {
    if (equal_in_constant_time(token.sha256, sha256)) found = &token;
  }
  return found;
}

std::string one(Role role) { return (role == Role::operator_ ? "an " : "a ") + std::string(to_string(role)); }

std::variant<Caller, Refusal> judge(const TokenRecord& token, Role needs, WallTime now) {
  const std::string who = token.owner + " (token " + token.name + ")";
  if (token.expires && *token.expires <= now) {
    return Refusal{401, "the token " + token.name + " has expired: an operator makes another one (bramble token add)",
                   who};
  }
  if (token.role < needs) {
    return Refusal{403,
                   "this needs " + one(needs) + ", and the token " + token.name + " is " + one(token.role) +
                       "'s: an operator makes another one (bramble token add NAME --role " +
                       std::string(to_string(needs)) + ")",
                   who};
  }
  return Caller{token.owner, token.role == Role::operator_};
}

}  // namespace

TokenTable::TokenTable(std::string_view file_token) : tokens_(std::make_shared<const std::vector<TokenRecord>>()) {
  if (file_token.empty()) return;
  fixed_.push_back({"of token_file", Role::operator_, kFileOwner, posix::sha256_hex(file_token), {}, "", {}});
}

void TokenTable::set(std::vector<TokenRecord> tokens) {
  auto list = std::make_shared<const std::vector<TokenRecord>>(std::move(tokens));
  const std::lock_guard lock(mutex_);
  tokens_ = std::move(list);
}

TokenTable::List TokenTable::list() const {
  const std::lock_guard lock(mutex_);
  return tokens_;
}

std::variant<Caller, Refusal> TokenTable::admit(const std::optional<std::string>& token, Role needs,
                                                WallTime now) const {
  if (!token) return Refusal{401, "a token is needed: send the header 'Authorization: Bearer TOKEN'", ""};
  const std::string sha256 = posix::sha256_hex(*token);
  const List tokens = list();
  const TokenRecord* const given = find(*tokens, sha256);
  const TokenRecord* const fixed = find(fixed_, sha256);
  if (fixed != nullptr) return judge(*fixed, needs, now);
  if (given != nullptr) return judge(*given, needs, now);
  return Refusal{401, "the token is wrong, or was removed", ""};
}

}  // namespace bramble::aggregator::http
