// Where the broker is, and what the operating system says about the way to it.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::mqtt {

struct BrokerAddress {
  std::string host;  // a name, or a numeric address (IPv6 without brackets)
  int port = 1883;
  bool tls = false;

  bool operator==(const BrokerAddress&) const = default;
};

// "tcp://HOST[:PORT]" or "mqtt://HOST[:PORT]" (1883); with TLS "ssl://" or "mqtts://" (8883). An IPv6 address stands in
// brackets.
Result<BrokerAddress> parse_broker_url(const std::string& url);

inline constexpr size_t kMaxBrokerUrls = 8;

// One broker by several ways, separated by commas: "ssl://head.local,ssl://192.168.1.10". At least one.
Result<std::vector<BrokerAddress>> parse_broker_urls(const std::string& urls);

// As people read it: "127.0.0.1:1883", "[::1]:1883".
std::string to_string(const BrokerAddress& address);

// Why a connection to it fails just now: "connection refused". Paho keeps the reason to itself, so this asks the kernel
// once more, for at most limit_ms. A host name is not looked up, for that may take many seconds.
inline constexpr const char* kEndedAtOnce = "it ended the connection at once";  // nothing is wrong with the way
std::string why_unreachable(const BrokerAddress& address, int limit_ms);

// Sends small packets at once on every TCP connection of this process to that port (TCP_NODELAY). Paho neither does it
// nor tells its socket, and without it request and answer over one connection take 40 ms.
void send_small_packets_at_once(int broker_port);

}  // namespace bramble::mqtt
