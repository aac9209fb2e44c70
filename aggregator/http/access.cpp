#include "aggregator/http/access.hpp"

#include <algorithm>

namespace bramble::aggregator::http {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

bool is_port(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_ours(const AccessPolicy& policy, const std::string& name, std::string_view local_address) {
  if (name.empty()) return false;
  if (name == "localhost" || name == lower(local_address)) return true;
  return std::any_of(policy.hosts.begin(), policy.hosts.end(),
                     [&](const std::string& host) { return lower(host) == name; });
}

bool is_same_site(std::string_view origin, std::string_view host) {
  const std::string site = lower(host);
  return lower(origin) == "http://" + site || lower(origin) == "https://" + site;
}

}  // namespace

std::string host_name_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return "";
    const std::string_view rest = authority.substr(end + 1);
    const bool good = rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
    return good ? lower(authority.substr(1, end - 1)) : "";
  }
  const size_t colon = authority.find(':');
  if (colon != std::string_view::npos && !is_port(authority.substr(colon + 1))) return "";
  return lower(authority.substr(0, colon));
}

std::optional<std::string> bearer_token(const std::optional<std::string>& authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (!authorization || lower(authorization->substr(0, kScheme.size())) != kScheme) return std::nullopt;
  const size_t begin = authorization->find_first_not_of(' ', kScheme.size());
  return begin == std::string::npos ? "" : authorization->substr(begin);
}

std::optional<Refusal> check_site(const AccessPolicy& policy, const AccessHeaders& headers,
                                  std::string_view local_address) {
  const std::string host = headers.host.value_or("");
  if (!is_ours(policy, host_name_of(host), local_address)) {
    return Refusal{421, "this aggregator is not called '" + host.substr(0, 100) +
                            "': use its address, or add the name to host_names in its configuration"};
  }
  if (headers.origin && !is_same_site(*headers.origin, host)) {
    return Refusal{403, "requests of other web sites are not answered"};
  }
  return std::nullopt;
}

}  // namespace bramble::aggregator::http
