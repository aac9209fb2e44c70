// Why TLS with a broker fails. Paho keeps OpenSSL's reason to itself, so this shakes hands once more.
#pragma once

#include <string>

#include "common/mqtt/broker_address.hpp"
#include "common/mqtt/transport.hpp"

namespace bramble::mqtt {

// Words for people; empty: nothing was found to be wrong, or the address is a name, which is not looked up, for that
// may take many seconds. Blocks for at most about twice limit_ms.
std::string why_no_tls(const BrokerAddress& address, const TlsFiles& files, int limit_ms);

}  // namespace bramble::mqtt
