// The tokens that open the API over TCP, as the event thread looks them up.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aggregator/core/api.hpp"
#include "aggregator/core/tokens.hpp"
#include "aggregator/http/access.hpp"

namespace bramble::aggregator::http {

// Thread-safe.
class TokenTable {
 public:
  // file_token: that of the configuration's token_file, an operator's; empty: none.
  explicit TokenTable(std::string_view file_token);

  void set(std::vector<TokenRecord> tokens);  // all of them from now on, beside file_token

  // Who presents the token, if it is good for something that needs the role. The time it takes does not depend on how
  // much of a token is right: digests are compared, all of them, each to its end.
  std::variant<Caller, Refusal> admit(const std::optional<std::string>& token, Role needs, WallTime now) const;

 private:
  using List = std::shared_ptr<const std::vector<TokenRecord>>;

  List list() const;

  std::vector<TokenRecord> fixed_;
  mutable std::mutex mutex_;
  List tokens_;
};

}  // namespace bramble::aggregator::http
