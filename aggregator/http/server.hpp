// The aggregator's HTTP API (README.md) on a Unix socket and, if wanted, on TCP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/core/api.hpp"
#include "aggregator/core/refusals.hpp"
#include "aggregator/core/store.hpp"
#include "aggregator/http/local_users.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator::http {

struct ServerLimits {
  size_t max_connections = 400;  // for each listener; above, new ones wait to be accepted
  unsigned idle_timeout_s = 60;
  size_t max_body_bytes = 16 << 20;    // of one JSON body
  size_t max_bodies_bytes = 64 << 20;  // of all that are being received
  size_t max_polls = 256;              // waiting at once
  size_t max_uploads = 64;             // at once
  size_t max_waiting_queries = 8;      // SQL, beside the two that run
  int64_t port_timeout_ms = 30'000;    // how long the reactor may take, above what a poll waits
  int64_t health_timeout_ms = 2'000;   // the same for a health check
};

// By which callers know us, in PEM.
struct TlsIdentity {
  std::string certificate_pem;  // and behind it those up to the authority
  std::string key_pem;
};

struct ServerOptions {
  std::string unix_path;                   // empty: none
  AccessLists access;                      // who may do what over it
  std::string tcp_listen;                  // "127.0.0.1:8737", "[::1]:8737"; port 0: any free one; empty: none
  std::optional<TlsIdentity> tls;          // of TCP; without it nothing beyond loopback is listened on
  std::string token;                       // an operator's, over TCP; empty: none
  std::vector<TokenRecord> tokens;         // others, until set_tokens()
  std::vector<std::string> allowed_hosts;  // names that a TCP request may call us by, beside localhost and addresses
  ServerLimits limits;
};

// What answers. The references must outlive the Server; port is not called after its end. All of it is called from
// several threads at once.
struct Backend {
  ApiPort port;
  JobQuery& jobs;
  SqlQuery& sql;
  TelemetryQuery& telemetry;
  BlobFiles& files;
  // What of the configured lines and of this machine can be looked at without the reactor; may block. Thread-safe.
  std::function<std::vector<NodeFinding>()> examine = [] { return std::vector<NodeFinding>(); };
  // Something was refused for want of a right; not called more than a few times a minute. Must not block.
  std::function<void(Refused)> refused = [](const Refused&) {};
};

class Server {
 public:
  // An address or a socket path that is in use is ErrorCode::conflict; a socket that a dead process left is replaced.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, Backend backend);

  // Answers what waits with 503 and ends. Replies of the reactor that come later are dropped.
  ~Server();

  uint16_t tcp_port() const;  // 0 without TCP

  void tick(MonoTime now);  // every so often: what was refused meanwhile is told

  void set_tokens(std::vector<TokenRecord> tokens);  // all that there are from now on

  // Who comes over TCP from now on meets this certificate; what is connected there is ended, and what waits told to
  // come again. On an error the old one goes on. Not from two threads at once; may take half a second.
  Status set_tls(TlsIdentity tls);

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace bramble::aggregator::http
