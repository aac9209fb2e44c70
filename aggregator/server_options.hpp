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

}  // namespace bramble::aggregator
