// What a request over TCP must look like before it is asked who sends it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bramble::aggregator::http {

struct AccessPolicy {
  std::vector<std::string> hosts;  // names that the aggregator is called by, beside localhost and its own addresses
};

// The headers of a request that decide.
struct AccessHeaders {
  std::optional<std::string> host;
  std::optional<std::string> origin;
  std::optional<std::string> authorization;
};

struct Refusal {
  int http_status = 403;
  std::string sentence;
  std::string who = {};  // as far as it is known; empty: a stranger
};

// Nothing: it may go on. local_address is the address on which the connection arrived ("192.168.1.5", "::1").
//
// Host is checked so that a web page whose name was made to point here (DNS rebinding) is not served; Origin so that no
// other web page can make a browser ask.
std::optional<Refusal> check_site(const AccessPolicy& policy, const AccessHeaders& headers,
                                  std::string_view local_address);

// Of "Authorization: Bearer TOKEN"; nothing where there is none.
std::optional<std::string> bearer_token(const std::optional<std::string>& authorization);

// "pi.local:8737" is "pi.local", "[::1]:80" is "::1"; lower case; empty where it is no host.
std::string host_name_of(std::string_view authority);

}  // namespace bramble::aggregator::http
