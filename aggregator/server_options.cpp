#include "aggregator/server_options.hpp"

#include <utility>

#include "aggregator/connections.hpp"
#include "aggregator/joining.hpp"
#include "common/identity/certificate.hpp"
#include "common/posix/files.hpp"
#include "common/posix/log.hpp"
#include "common/posix/machine.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMaxPemBytes = 256 << 10;
constexpr int64_t kLookMs = 2'000;  // between two looks at the certificate's files

struct TlsFiles {
  std::string certificate;
  std::string key;
};

bool is_loopback(const std::string& listen) {
  return listen.starts_with("127.") || listen.starts_with("[::1]") || listen.starts_with("localhost:");
}

// Nothing: plain HTTP, which the server takes on loopback only.
std::optional<TlsFiles> tls_files(const DaemonConfig& config) {
  if (config.tcp_listen.empty()) return {};
  if (!config.tls_cert_file.empty()) return TlsFiles{config.tls_cert_file, config.tls_key_file};
  if (!lets_nodes_in(config) || is_loopback(config.tcp_listen)) return {};
  return TlsFiles{config.state_dir + "/ca/head.crt", config.state_dir + "/ca/head.key"};
}

Status check_pair(const TlsFiles& files, const http::TlsIdentity& pair) {
  const auto facts = identity::read_certificate(pair.certificate_pem);
  if (!facts) return fail(files.certificate + " holds no certificate in PEM (-----BEGIN CERTIFICATE-----)");
  if (pair.key_pem.find("PRIVATE KEY-----") == std::string::npos) {
    return fail(files.key + " holds no private key in PEM, or one with a password");
  }
  if (const Status fits = identity::check_key(pair.certificate_pem, pair.key_pem); !fits) {
    return fail("the key in " + files.key + " does not belong to the certificate in " + files.certificate);
  }
  const WallTime now = posix::now().wall;
  if (facts->not_after < now) {
    posix::log_warning("the certificate in " + files.certificate + " has expired: callers over TCP will refuse it");
  } else if (facts->not_before > now) {
    posix::log_warning("the certificate in " + files.certificate + " is not valid yet: is the clock right?");
  }
  return {};
}

Result<http::TlsIdentity> read_pair(const TlsFiles& files) {
  auto certificate = posix::read_file(files.certificate, kMaxPemBytes);
  if (!certificate) return tl::unexpected<Error>(certificate.error());
  auto key = posix::read_file(files.key, kMaxPemBytes);
  if (!key) return tl::unexpected<Error>(key.error());
  return http::TlsIdentity{std::move(*certificate), std::move(*key)};
}

Result<std::optional<http::TlsIdentity>> read_tls_identity(const DaemonConfig& config) {
  const auto files = tls_files(config);
  if (!files) return std::optional<http::TlsIdentity>();
  auto pair = read_pair(*files);
  if (!pair) return tl::unexpected<Error>(pair.error());
  if (auto good = check_pair(*files, *pair); !good) return tl::unexpected<Error>(good.error());
  return std::optional<http::TlsIdentity>(std::move(*pair));
}

}  // namespace

void ApiCertificate::serves(const std::optional<http::TlsIdentity>& pair) {
  if (pair) settled_ = pair->certificate_pem + pair->key_pem;
}

// Two files are two writes: what is found twice is what somebody meant.
void ApiCertificate::tick(http::Server& server, MonoTime now) {
  if (now < next_look_) return;
  next_look_ = now + kLookMs;
  const auto files = tls_files(config_);
  if (!files) return;
  const auto pair = read_pair(*files);
  if (!pair) return;
  const std::string found = pair->certificate_pem + pair->key_pem;
  const bool twice = found == std::exchange(seen_, found);
  if (!twice || found == settled_) return;
  Status taken = check_pair(*files, *pair);
  const bool is_good = taken.has_value();
  if (is_good) taken = server.set_tls(*pair);
  if (taken || !is_good) settled_ = found;  // else it is tried again
  if (!taken) return posix::log_error("the API goes on with its old certificate: " + taken.error().message);
  posix::log_info("the API has a new certificate", {{"file", files->certificate}});
}

Result<http::ServerOptions> server_options(const DaemonConfig& config, const State& state) {
  http::ServerOptions options;
  options.unix_path = config.api_socket;
  options.access = config.access;
  options.tcp_listen = config.tcp_listen;
  auto token = read_secret(config.token_file);
  if (!token) return tl::unexpected<Error>(token.error());
  options.token = std::move(*token);
  auto tls = read_tls_identity(config);
  if (!tls) return tl::unexpected<Error>(tls.error());
  options.tls = std::move(*tls);
  for (const auto& [name, known] : state.tokens) options.tokens.push_back(known);
  options.allowed_hosts = config.host_names;
  for (const char* const domain : {"", ".local"}) options.allowed_hosts.push_back(posix::host_name() + domain);
  return options;
}

}  // namespace bramble::aggregator
