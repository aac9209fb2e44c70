// Why no connection to an aggregator comes about, in words: the HTTP library only says that none did.
#pragma once

#include <string>

#include "aggregator/cli/endpoint.hpp"

namespace bramble::cli {

// Tries once more, each address for a second at most: "connection refused", "no such host", "there is no such socket".
std::string why_unreached(const Endpoint& endpoint);

}  // namespace bramble::cli
