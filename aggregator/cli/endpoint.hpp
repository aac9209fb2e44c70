// Where the aggregator is, and what opens its door.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace bramble::cli {

inline constexpr std::string_view kDefaultUrl = "unix:/run/bramble/api.sock";
inline constexpr int kDefaultPort = 8737;

struct Endpoint {
  std::string url;          // as people wrote it
  std::string socket_path;  // empty: TCP
  std::string host;
  int port = kDefaultPort;
  bool tls = false;
  std::string ca_file;  // whose certificates are trusted; empty: those that this system trusts
  std::string token;    // TCP only
};

struct EndpointOptions {
  std::string url;         // empty: BRAMBLE_URL, else kDefaultUrl
  std::string ca_file;     // empty: BRAMBLE_CA
  std::string token_file;  // empty: BRAMBLE_TOKEN_FILE, else BRAMBLE_TOKEN
};

// unix:PATH, https://HOST[:PORT] or http://HOST[:PORT]; an IPv6 address stands in brackets.
Result<Endpoint> parse_url(std::string_view url);

// Reads the environment, and the token's file where the endpoint needs one.
Result<Endpoint> find_endpoint(const EndpointOptions& options);

}  // namespace bramble::cli
