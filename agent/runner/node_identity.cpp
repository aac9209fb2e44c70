#include "agent/runner/node_identity.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <limits>

#include "common/identity/certificate.hpp"
#include "common/posix/config_file.hpp"
#include "common/posix/error.hpp"
#include "common/posix/files.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::runner {
namespace {

constexpr size_t kMaxFileBytes = 64 << 10;

std::string joined_path(const std::string& directory) { return directory + "/joined.toml"; }

std::string joined_text(const NodeIdentity& identity) {
  return "# Written by bramble-agent --join.\nnode = \"" + identity.node + "\"\ncluster = \"" + identity.cluster +
         "\"\nbroker_url = \"" + identity.broker_url + "\"\njoined = \"" + identity.joined +
         "\"\nrenew_after_ms = " + std::to_string(identity.renew_after.ms) + "\n";
}

// Gives the files to the state directory's owner.
class Owner {
 public:
  explicit Owner(const std::string& state_dir) {
    struct stat info {};
    if (::stat(state_dir.c_str(), &info) != 0) return;
    uid_ = info.st_uid;
    gid_ = info.st_gid;
  }
  Status write(const std::string& path, const std::string& text) const {
    if (Status written = posix::write_file_atomically(path, text, {.mode = 0600, .sync = true}); !written)
      return written;
    return give(path);
  }
  Status give(const std::string& path) const {
    if (::geteuid() != 0 || ::chown(path.c_str(), uid_, gid_) == 0) return {};
    return tl::unexpected<Error>(posix::system_error("cannot give " + path + " to the agent's user", errno));
  }

 private:
  uid_t uid_ = ::geteuid();
  gid_t gid_ = ::getegid();
};

}  // namespace

Result<std::optional<NodeIdentity>> load_identity(const std::string& directory) {
  const auto text = posix::read_file(joined_path(directory), kMaxFileBytes);
  if (!text && text.error().code == ErrorCode::not_found) return std::optional<NodeIdentity>();
  if (!text) return tl::unexpected<Error>(text.error());
  auto file = posix::ConfigFile::parse(*text, joined_path(directory));
  if (!file) return fail(file.error().message + "; join this node anew");
  NodeIdentity identity;
  file->text("node", identity.node);
  file->text("cluster", identity.cluster);
  file->text("broker_url", identity.broker_url);
  file->text("joined", identity.joined);
  file->integer("renew_after_ms", identity.renew_after.ms, 0, std::numeric_limits<int64_t>::max());
  if (Status known = file->finish(); !known) return fail(known.error().message + "; join this node anew");
  identity.ca_file = directory + "/ca.crt";
  identity.node_file = directory + "/node.pem";
  return std::optional<NodeIdentity>(std::move(identity));
}

Status join(const std::string& state_dir, const identity::JoinFile& file) {
  if (Status made = posix::make_directories(state_dir); !made) return made;
  const Owner owner(state_dir);
  const std::string directory = state_dir + "/identity";
  if (Status made = posix::make_directories(directory, 0700); !made) return made;
  if (Status given = owner.give(directory); !given) return given;
  ::unlink(joined_path(directory).c_str());
  if (Status written = owner.write(directory + "/ca.crt", file.ca_pem); !written) return written;
  if (Status written = owner.write(directory + "/node.pem", file.certificate_pem + file.key_pem); !written)
    return written;
  const NodeIdentity identity{file.node, file.cluster, file.broker_url, posix::random_uuid(), file.renew_after, {}, {}};
  return owner.write(joined_path(directory), joined_text(identity));
}

Result<std::string> CertificateRenewal::make_request() {
  auto key = identity::make_key();
  if (!key) return tl::unexpected<Error>(key.error());
  auto request = identity::make_request(*key, node_);
  if (request) key_pem_ = std::move(*key);
  return request;
}

Result<WallTime> CertificateRenewal::take(const std::string& certificate_pem, WallTime renew_after) {
  const auto ca = posix::read_file(directory_ + "/ca.crt", kMaxFileBytes);
  if (!ca) return tl::unexpected<Error>(ca.error());
  if (Status fits = identity::check_key(certificate_pem, key_pem_); !fits) return tl::unexpected<Error>(fits.error());
  if (Status good = identity::check_node_certificate(certificate_pem, *ca); !good)
    return tl::unexpected<Error>(good.error());
  auto joined = load_identity(directory_);
  if (!joined) return tl::unexpected<Error>(joined.error());
  if (!*joined) return fail("this node was unjoined meanwhile");
  const Owner owner(directory_);
  if (Status written = owner.write(directory_ + "/node.pem", certificate_pem + key_pem_); !written) {
    return tl::unexpected<Error>(written.error());
  }
  (*joined)->renew_after = renew_after;
  if (Status written = owner.write(joined_path(directory_), joined_text(**joined)); !written) {
    return tl::unexpected<Error>(written.error());
  }
  key_pem_.clear();
  return renew_after;
}

}  // namespace bramble::runner
