#include "aggregator/cli/endpoint.hpp"

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace bramble::cli {
namespace {

constexpr size_t kMaxTokenBytes = 4096;
constexpr size_t kMaxSocketPathBytes = 107;  // sun_path, less its zero

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

tl::unexpected<Error> bad_url(std::string_view url) {
  return fail("'" + std::string(url) + "' is not an address of an aggregator: write unix:PATH, https://HOST:" +
              std::to_string(kDefaultPort) + " or http://HOST:" + std::to_string(kDefaultPort));
}

bool parse_port(std::string_view text, int& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port > 0 && port < 65536;
}

Result<Endpoint> parse_tcp(std::string_view url, std::string_view place) {
  if (place.ends_with('/')) place.remove_suffix(1);
  Endpoint endpoint;
  endpoint.url = url;
  const size_t bracket = place.starts_with('[') ? place.find(']') : 0;
  if (bracket == std::string_view::npos) return bad_url(url);
  const size_t colon = place.find(':', bracket);
  const std::string_view host = place.substr(0, colon);
  endpoint.host = bracket > 0 ? host.substr(1, bracket - 1) : host;
  if (endpoint.host.empty() || endpoint.host.find('/') != std::string::npos) return bad_url(url);
  if (colon != std::string_view::npos && !parse_port(place.substr(colon + 1), endpoint.port)) return bad_url(url);
  return endpoint;
}

Result<std::string> read_token(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string token(kMaxTokenBytes, '\0');
  file.read(token.data(), static_cast<std::streamsize>(token.size()));
  if (!file && !file.eof())
    return fail(ErrorCode::io, "cannot read the token in " + path + ": does it exist, and may you read it?");
  token.resize(static_cast<size_t>(file.gcount()));
  token.erase(token.find_last_not_of(" \t\r\n") + 1);
  if (token.empty())
    return fail(ErrorCode::io, "cannot read a token in " + path + ": is the file there, and not empty?");
  return token;
}

Result<std::string> find_token(const EndpointOptions& options) {
  std::string path = options.token_file.empty() ? from_environment("BRAMBLE_TOKEN_FILE") : options.token_file;
  if (!path.empty()) return read_token(path);
  return from_environment("BRAMBLE_TOKEN");
}

}  // namespace

Result<Endpoint> parse_url(std::string_view url) {
  if (url.starts_with("http://")) return parse_tcp(url, url.substr(7));
  if (url.starts_with("https://")) {
    auto endpoint = parse_tcp(url, url.substr(8));
    if (endpoint) endpoint->tls = true;
    return endpoint;
  }
  if (!url.starts_with("unix:") || url.size() == 5) return bad_url(url);
  Endpoint endpoint;
  endpoint.url = url;
  endpoint.socket_path = url.substr(5);
  if (endpoint.socket_path.size() > kMaxSocketPathBytes) {
    return fail("the path of a socket has at most " + std::to_string(kMaxSocketPathBytes) + " bytes, this one " +
                std::to_string(endpoint.socket_path.size()) + ": " + endpoint.socket_path);
  }
  return endpoint;
}

Result<Endpoint> find_endpoint(const EndpointOptions& options) {
  std::string url = options.url.empty() ? from_environment("BRAMBLE_URL") : options.url;
  if (url.empty()) url = kDefaultUrl;
  auto endpoint = parse_url(url);
  if (!endpoint || !endpoint->socket_path.empty()) return endpoint;
  auto token = find_token(options);
  if (!token) return tl::unexpected(token.error());
  endpoint->token = std::move(*token);
  if (!endpoint->tls) return endpoint;
  endpoint->ca_file = options.ca_file.empty() ? from_environment("BRAMBLE_CA") : options.ca_file;
  if (!endpoint->ca_file.empty() && !std::ifstream(endpoint->ca_file)) {
    return fail(ErrorCode::io,
                "cannot read the certificates in " + endpoint->ca_file + ": does it exist, and may you read it?");
  }
  return endpoint;
}

}  // namespace bramble::cli
