// What the API's server is told: how it is reached, and by which certificate callers over TCP know it.
#pragma once

#include "aggregator/config.hpp"
#include "aggregator/core/state.hpp"
#include "aggregator/http/server.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator {

// The certificate is the configured one, or beyond loopback that of the cluster's own authority where there is one. A
// pair that could never serve is an error that says why; one that has ended only a warning in the log, for the clock
// may be wrong.
Result<http::ServerOptions> server_options(const DaemonConfig& config, const State& state);

// Looks every so often whether that certificate was renewed, here or by whatever renews the operator's own, and gives
// it to the server. One thread; the configuration must outlive it.
class ApiCertificate {
 public:
  explicit ApiCertificate(const DaemonConfig& config) : config_(config) {}
  void serves(const std::optional<http::TlsIdentity>& pair);  // what the server was started with
  void tick(http::Server& server, MonoTime now);

 private:
  const DaemonConfig& config_;
  MonoTime next_look_;
  std::string settled_;  // both files' text, in use or refused
  std::string seen_;     // as it was found last
};

}  // namespace bramble::aggregator
