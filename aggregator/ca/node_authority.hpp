// The cluster's own certificate authority, kept in files that an operator can read (README.md names them).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aggregator/ca/issued_list.hpp"
#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "common/identity/certificate.hpp"

namespace bramble::aggregator {

struct AuthorityOptions {
  std::string cluster = "bramble";
  std::vector<std::string> hosts;  // names and addresses of this machine, for the broker's certificate
  int64_t certificate_ms = 730LL * 24 * 3600 * 1000;  // the life of a certificate
};

struct IssuedIdentity {
  std::string ca_pem;
  std::string certificate_pem;
  std::string key_pem;  // empty where the node has made it itself
  WallTime not_after;
  WallTime renew_after;  // a third of its life is left then
};

inline constexpr size_t kMaxIssued = 100'000;        // that have not ended
inline constexpr size_t kMaxCertificatesOfNode = 8;  // the same, of one node

// Not thread-safe; one process per directory. What a call has changed is on disk when it returns; where a write fails
// nothing was issued.
class NodeAuthority {
 public:
  // Makes what is missing. ErrorCode::corrupt where the files do not belong together: a new authority would shut out
  // every node, so none is made in silence.
  static Result<NodeAuthority> open(const std::string& dir, AuthorityOptions options, WallTime now);

  // A key and a certificate for a node. conflict: it has one that holds, and `replace` is false; else that is revoked.
  Result<IssuedIdentity> add(const std::string& node, bool replace, WallTime now);

  // Another certificate, for a key that the node has made. not_found: it has none that holds (it was removed).
  Result<IssuedIdentity> renew(const std::string& node, const std::string& request_pem, WallTime now);

  // Revokes all it has. False: it had none.
  Result<bool> remove(const std::string& node, WallTime now);

  // Renews the broker's certificate when a third of its life is left or this machine is called otherwise. True:
  // renewed.
  Result<bool> keep_head_certificate(WallTime now);

  std::vector<std::string> nodes() const;  // with a certificate that is not revoked; sorted

 private:
  NodeAuthority(std::string dir, AuthorityOptions options) : dir_(std::move(dir)), options_(std::move(options)) {}
  Status load_authority(WallTime now);
  Status load_issued();
  Status write_files(const std::vector<IssuedCertificate>& issued);
  Status take(std::vector<IssuedCertificate> issued);
  Result<IssuedIdentity> issue(const std::string& node, const std::string& request_pem,
                               std::vector<IssuedCertificate> issued, WallTime now);
  std::vector<IssuedCertificate> without_ended(WallTime now) const;
  std::string path(const char* name) const { return dir_ + "/" + name; }

  std::string dir_;
  AuthorityOptions options_;
  identity::Authority authority_;
  std::vector<IssuedCertificate> issued_;
  uint64_t list_number_ = 0;
};

}  // namespace bramble::aggregator
