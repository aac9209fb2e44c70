// The node's identity on disk: STATE/identity with ca.crt, node.pem (certificate and key, for the agent alone) and
// joined.toml, which is written last: without it the node is not joined.
#pragma once

#include <optional>
#include <string>

#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "common/identity/join_file.hpp"

namespace bramble::runner {

struct NodeIdentity {
  std::string node;
  std::string cluster;
  std::string broker_url;
  std::string joined;  // UUID of the joining: a new one means that a person has said where this node belongs
  WallTime renew_after;
  std::string ca_file;
  std::string node_file;
};

// Nothing where the node is not joined.
Result<std::optional<NodeIdentity>> load_identity(const std::string& directory);

// Takes a join file. The files belong to whom `state_dir` belongs to, so that root may do it for the agent.
Status join(const std::string& state_dir, const identity::JoinFile& file);

// A new certificate for a new key. The old ones stay in use until both are there. Not thread-safe.
class CertificateRenewal {
 public:
  CertificateRenewal(std::string directory, std::string node)
      : directory_(std::move(directory)), node_(std::move(node)) {}

  Result<std::string> make_request();  // of a key that is kept in memory only
  Result<WallTime> take(const std::string& certificate_pem, WallTime renew_after);  // when to renew that one

 private:
  std::string directory_;
  std::string node_;
  std::string key_pem_;
};

}  // namespace bramble::runner
