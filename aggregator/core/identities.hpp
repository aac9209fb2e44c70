// Identities of nodes, as values: what the reactor asks of the adapter that keeps the cluster's authority, and what
// that answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/clock.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator {

struct IdentityOp {
  enum class Kind { add, remove, renew };

  uint64_t number = 0;
  Kind kind = Kind::add;
  std::string node;
  bool replace = false;          // add: one that it has is revoked
  std::string request_pem = {};  // renew
};

// The answer to one. What it has changed holds from then on, at the broker too.
struct IdentityReport {
  uint64_t number = 0;
  IdentityOp::Kind kind = IdentityOp::Kind::add;
  std::string node = {};
  std::optional<Error> error = {};
  std::string text = {};      // add: the join file; renew: the certificate
  WallTime not_after = {};    // add, renew
  WallTime renew_after = {};  // the same
  bool had_one = false;       // remove
};

}  // namespace bramble::aggregator
