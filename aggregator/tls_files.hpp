// The certificate by which callers over TCP know the aggregator.
#pragma once

#include <optional>

#include "aggregator/config.hpp"
#include "aggregator/http/server.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator {

// Of the files in the configuration; nothing where it names none. A pair that could never serve is an error that says
// why; one that is not valid at this time only a warning in the log, for the clock may be wrong.
Result<std::optional<http::TlsIdentity>> read_tls_identity(const DaemonConfig& config);

}  // namespace bramble::aggregator
