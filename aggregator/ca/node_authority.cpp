#include "aggregator/ca/node_authority.hpp"

#include <algorithm>
#include <set>

#include "aggregator/ca/access_list.hpp"
#include "common/base/duration.hpp"
#include "common/base/ids.hpp"
#include "common/posix/files.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kAuthorityMs = 30 * 365 * kDayMs;
constexpr int64_t kKeepEndedMs = 30 * kDayMs;

// No head has a clock that is right and says less: what it issues must not have ended when the clock is set.
constexpr WallTime kNoEarlier{1'793'491'200'000};  // 2026-11-01

WallTime sane(WallTime now) { return std::max(now, kNoEarlier); }

Status write(const std::string& path, const std::string& text, mode_t mode) {
  return posix::write_file_atomically(path, text, {.mode = mode, .sync = true});
}

Result<std::string> read_optional(const std::string& path) {
  auto text = posix::read_file(path, identity::kMaxPemBytes);
  if (!text && text.error().code == ErrorCode::not_found) return std::string();
  return text;
}

}  // namespace

Result<NodeAuthority> NodeAuthority::open(const std::string& dir, AuthorityOptions options, WallTime now) {
  NodeAuthority authority(dir, std::move(options));
  if (Status made = posix::make_directories(dir, 0700); !made) return tl::unexpected<Error>(made.error());
  if (Status loaded = authority.load_authority(sane(now)); !loaded) return tl::unexpected<Error>(loaded.error());
  if (Status loaded = authority.load_issued(); !loaded) return tl::unexpected<Error>(loaded.error());
  if (Status written = authority.write_files(authority.issued_); !written)
    return tl::unexpected<Error>(written.error());
  if (auto kept = authority.keep_head_certificate(now); !kept) return tl::unexpected<Error>(kept.error());
  return authority;
}

// The key is written first: with a key alone nothing was signed yet, and both are made anew.
Status NodeAuthority::load_authority(WallTime now) {
  const auto key = read_optional(path("ca.key"));
  const auto certificate = read_optional(path("ca.crt"));
  if (!key) return tl::unexpected<Error>(key.error());
  if (!certificate) return tl::unexpected<Error>(certificate.error());
  if (certificate->empty()) {
    auto made = identity::make_authority("bramble " + options_.cluster, {now.ms + kAuthorityMs});
    if (!made) return tl::unexpected<Error>(made.error());
    authority_ = std::move(*made);
    if (Status written = write(path("ca.key"), authority_.key_pem, 0600); !written) return written;
    return write(path("ca.crt"), authority_.certificate_pem, 0644);
  }
  authority_ = {*certificate, *key};
  if (Status fits = identity::check_key(*certificate, *key); !fits) {
    return fail(ErrorCode::corrupt,
                dir_ + ": ca.crt and ca.key do not belong together (" + fits.error().message +
                    "): restore both from a backup; or remove the directory and add every node anew");
  }
  return {};
}

Status NodeAuthority::load_issued() {
  auto list = read_issued_list(path("issued.json"));
  if (!list) return tl::unexpected<Error>(list.error());
  list_number_ = list->number;
  issued_ = std::move(list->certificates);
  return {};
}

// The index first: a certificate that is not in it could not be revoked. A list or an access list that is older than
// the index is written again at the next start.
Status NodeAuthority::write_files(const std::vector<IssuedCertificate>& issued) {
  std::vector<identity::RevokedCertificate> revoked;
  std::set<std::string> names;
  for (const IssuedCertificate& entry : issued) {
    if (entry.revoked.ms != 0) {
      revoked.push_back({entry.serial, entry.revoked});
    } else {
      names.insert(entry.node);
    }
  }
  const auto list = identity::make_revocation_list(authority_, revoked, ++list_number_);
  if (!list) return tl::unexpected<Error>(list.error());
  if (Status written = write(path("issued.json"), to_text(IssuedList{list_number_, issued}), 0600); !written) {
    return written;
  }
  if (Status written = write(path("revoked.pem"), *list, 0644); !written) return written;
  return write(path("acl"), access_list(options_.cluster, {names.begin(), names.end()}), 0600);
}

Status NodeAuthority::take(std::vector<IssuedCertificate> issued) {
  if (Status written = write_files(issued); !written) return written;
  issued_ = std::move(issued);
  return {};
}

// Those that have ended are refused for that alone.
std::vector<IssuedCertificate> NodeAuthority::without_ended(WallTime now) const {
  std::vector<IssuedCertificate> left;
  std::copy_if(issued_.begin(), issued_.end(), std::back_inserter(left),
               [&](const IssuedCertificate& entry) { return entry.not_after.ms + kKeepEndedMs > now.ms; });
  return left;
}

Result<IssuedIdentity> NodeAuthority::issue(const std::string& node, const std::string& request_pem,
                                            std::vector<IssuedCertificate> issued, WallTime now) {
  if (issued.size() >= kMaxIssued) {
    return fail(ErrorCode::limit, "there are " + std::to_string(kMaxIssued) + " certificates already: remove nodes");
  }
  const WallTime end{sane(now).ms + options_.certificate_ms};
  auto certificate = identity::sign_request(authority_, request_pem, {node, identity::Purpose::client, {}, end});
  if (!certificate) return tl::unexpected<Error>(certificate.error());
  const auto facts = identity::read_certificate(*certificate);
  if (!facts) return tl::unexpected<Error>(facts.error());
  issued.push_back({node, facts->serial, sane(now), facts->not_after, {}});
  if (Status taken = take(std::move(issued)); !taken) return tl::unexpected<Error>(taken.error());
  return IssuedIdentity{authority_.certificate_pem,
                        std::move(*certificate),
                        {},
                        facts->not_after,
                        {facts->not_after.ms - options_.certificate_ms / 3}};
}

Result<IssuedIdentity> NodeAuthority::add(const std::string& node, bool replace, WallTime now) {
  if (!is_valid_name(node)) return fail("'" + node + "' is not a name");
  std::vector<IssuedCertificate> issued = without_ended(now);
  for (IssuedCertificate& entry : issued) {
    if (entry.node != node || entry.revoked.ms != 0) continue;
    if (!replace) {
      return fail(ErrorCode::conflict,
                  "node " + node +
                      " has an identity already: with --replace it gets a new one, and the old one is "
                      "revoked");
    }
    entry.revoked = sane(now);
  }
  auto key = identity::make_key();
  if (!key) return tl::unexpected<Error>(key.error());
  const auto request = identity::make_request(*key, node);
  if (!request) return tl::unexpected<Error>(request.error());
  auto identity = issue(node, *request, std::move(issued), now);
  if (identity) identity->key_pem = std::move(*key);
  return identity;
}

Result<IssuedIdentity> NodeAuthority::renew(const std::string& node, const std::string& request_pem, WallTime now) {
  std::vector<IssuedCertificate> issued = without_ended(now);
  const auto alive = std::count_if(issued.begin(), issued.end(), [&](const IssuedCertificate& entry) {
    return entry.node == node && entry.revoked.ms == 0;
  });
  if (alive == 0) return fail(ErrorCode::not_found, "node " + node + " has no identity here that could be renewed");
  if (static_cast<size_t>(alive) >= kMaxCertificatesOfNode) {
    return fail(ErrorCode::limit, "node " + node + " has " + std::to_string(alive) +
                                      " certificates that have not ended: it gets no other before one does");
  }
  return issue(node, request_pem, std::move(issued), now);
}

Result<bool> NodeAuthority::remove(const std::string& node, WallTime now) {
  std::vector<IssuedCertificate> issued = without_ended(now);
  bool found = false;
  for (IssuedCertificate& entry : issued) {
    if (entry.node != node || entry.revoked.ms != 0) continue;
    entry.revoked = sane(now);
    found = true;
  }
  if (!found) return false;
  if (Status taken = take(std::move(issued)); !taken) return tl::unexpected<Error>(taken.error());
  return true;
}

Result<bool> NodeAuthority::keep_head_certificate(WallTime now) {
  std::string hosts;
  for (const std::string& host : options_.hosts) hosts += host + "\n";
  const auto old = read_optional(path("head.crt"));
  const auto old_hosts = read_optional(path("head.hosts"));
  if (old && !old->empty() && old_hosts && *old_hosts == hosts) {
    const auto facts = identity::read_certificate(*old);
    const auto key = read_optional(path("head.key"));
    const bool good = facts && key && identity::check_key(*old, *key);
    if (good && facts->not_after.ms - sane(now).ms > options_.certificate_ms / 3) return false;
  }
  // Not a node's name: none has a colon.
  const std::string name = "bramble:head";
  const auto key = identity::make_key();
  if (!key) return tl::unexpected<Error>(key.error());
  const auto request = identity::make_request(*key, name);
  if (!request) return tl::unexpected<Error>(request.error());
  const WallTime end{sane(now).ms + options_.certificate_ms};
  const auto certificate =
      identity::sign_request(authority_, *request, {name, identity::Purpose::server, options_.hosts, end});
  if (!certificate) return tl::unexpected<Error>(certificate.error());
  if (Status written = write(path("head.key"), *key, 0600); !written) return tl::unexpected<Error>(written.error());
  if (Status written = write(path("head.crt"), *certificate, 0644); !written)
    return tl::unexpected<Error>(written.error());
  if (Status written = write(path("head.hosts"), hosts, 0644); !written) return tl::unexpected<Error>(written.error());
  return true;
}

std::vector<std::string> NodeAuthority::nodes() const {
  std::set<std::string> names;
  for (const IssuedCertificate& entry : issued_) {
    if (entry.revoked.ms == 0) names.insert(entry.node);
  }
  return {names.begin(), names.end()};
}

}  // namespace bramble::aggregator
