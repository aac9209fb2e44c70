// What a node is told of its cluster and of itself: the file that `bramble node add` makes and `bramble-agent --join`
// takes. TOML, of about 2 KB. It holds the node's key: who has the file can act as the node.
#pragma once

#include <string>

#include "common/base/clock.hpp"
#include "common/base/result.hpp"

namespace bramble::identity {

struct JoinFile {
  std::string node;
  std::string cluster;
  std::string store;       // the aggregator's; the node takes orders of no other one
  std::string broker_url;  // one or several with commas
  std::string ca_pem;
  std::string certificate_pem;
  std::string key_pem;
  WallTime renew_after;  // from then on the node asks for another certificate

  bool operator==(const JoinFile&) const = default;
};

std::string format_join_file(const JoinFile& join);

// Checks names, that key, certificate and authority belong together, and that the certificate is the node's. `source`
// is how errors call it. Dates are not looked at: a clock may not be set yet.
Result<JoinFile> parse_join_file(const std::string& text, const std::string& source);

}  // namespace bramble::identity
