// Where the broker is, and what the operating system says about the way to it.
#pragma once

#include <string>

#include "common/base/result.hpp"

namespace bramble::mqtt {

struct BrokerAddress {
  std::string host;  // a name, or a numeric address (IPv6 without brackets)
  int port = 1883;

  bool operator==(const BrokerAddress&) const = default;
};

// "tcp://HOST[:PORT]" or "mqtt://HOST[:PORT]"; an IPv6 address stands in brackets.
Result<BrokerAddress> parse_broker_url(const std::string& url);

// As people read it: "127.0.0.1:1883", "[::1]:1883".
std::string to_string(const BrokerAddress& address);

// Why a connection to it fails just now: "connection refused". Paho keeps the reason to itself, so this asks the kernel
// once more, for at most limit_ms. A host name is not looked up, for that may take many seconds.
std::string why_unreachable(const BrokerAddress& address, int limit_ms);

// Sends small packets at once on every TCP connection of this process to that port (TCP_NODELAY). Paho neither does it
// nor tells its socket, and without it request and answer over one connection take 40 ms.
void send_small_packets_at_once(int broker_port);

}  // namespace bramble::mqtt
