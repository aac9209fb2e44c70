// API tokens: what opens the door of the API over TCP, for whom and how far.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "aggregator/core/roles.hpp"
#include "common/base/clock.hpp"

namespace bramble::aggregator {

inline constexpr size_t kMaxTokens = 256;  // each is compared with what is presented
inline constexpr size_t kMaxOwnerBytes = 64;

// Only a digest of the token itself is kept. It is 256 random bits, so that one SHA-256 is enough: a slow hash with
// salt protects what people think up, and a token is looked at in every request.
struct TokenRecord {
  std::string name;
  Role role = Role::viewer;
  std::string owner;   // of the jobs that are submitted with it
  std::string sha256;  // of the token, in hexadecimal
  WallTime created;
  std::string created_by;
  std::optional<WallTime> expires;

  bool operator==(const TokenRecord&) const = default;
};

}  // namespace bramble::aggregator
