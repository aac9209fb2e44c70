#include "aggregator/cli/http_client.hpp"

#include <httplib.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>

#include "aggregator/cli/unreached.hpp"

namespace bramble::cli {
namespace {

constexpr time_t kConnectTimeoutS = 5;
constexpr time_t kAnswerTimeoutS = 60;  // beyond what a long poll may take: a slow card's commits are waited for
constexpr size_t kBodyStepBytes = size_t{1} << 20;
constexpr size_t kMaxReserveBytes = size_t{16} << 20;

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string lost(const Endpoint& endpoint, const std::string& why) {
  const bool is_default = endpoint.url == kDefaultUrl;
  return "cannot reach the aggregator at " + endpoint.url + " (" + why +
         "): is it running there? --url or BRAMBLE_URL says where to look" +
         (is_default ? "; bramble local starts a cluster on this machine" : "");
}

// verify_result: OpenSSL's, of its certificate.
std::string untrusted(const Endpoint& endpoint, long verify_result) {
  const std::string whose = "the certificate of the aggregator at " + endpoint.url;
  switch (verify_result) {
    case X509_V_OK:
      return whose + " is not for " + endpoint.host + ": use a name that stands in it";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return whose + " has expired: it needs another one (tls_cert_file), or this machine's clock is wrong";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return whose + " is not valid yet: is the clock of this machine right?";
    default:
      return whose + " is not to be trusted (" + X509_verify_cert_error_string(verify_result) +
             "): --ca FILE or BRAMBLE_CA names the authority that signed it";
  }
}

std::string explain(const Endpoint& endpoint, httplib::Error error, long verify_result) {
  switch (error) {
    case httplib::Error::SSLServerVerification:
      return untrusted(endpoint, verify_result);
    case httplib::Error::SSLLoadingCerts:
      return "there are no certificates in PEM in " + endpoint.ca_file +
             ": --ca or BRAMBLE_CA names the authority that is trusted";
    case httplib::Error::SSLConnection:
      return "nothing speaks TLS at " + endpoint.url + ": is it http:// there?";
    case httplib::Error::Connection:
      return lost(endpoint, why_unreached(endpoint));
    case httplib::Error::ConnectionTimeout:
      return lost(endpoint, "no answer within " + std::to_string(kConnectTimeoutS) + " s");
    case httplib::Error::Read:
      if (endpoint.tls || !endpoint.socket_path.empty()) return lost(endpoint, "no answer came");
      return lost(endpoint, "no answer came; perhaps it is https:// there");
    case httplib::Error::Write:
      return lost(endpoint, "the connection broke");
    default:
      return lost(endpoint, httplib::to_string(error));
  }
}

// What httplib::Client takes for a place; an address of IPv6 needs its brackets only in a whole URL.
httplib::Client make_client(const Endpoint& where) {
  if (!where.socket_path.empty()) return httplib::Client(where.socket_path, 80);
  if (!where.tls) return httplib::Client(where.host, where.port);
  const std::string host = where.host.find(':') == std::string::npos ? where.host : "[" + where.host + "]";
  return httplib::Client("https://" + host + ":" + std::to_string(where.port));
}

}  // namespace

struct HttpClient::Impl {
  explicit Impl(const Endpoint& where) : endpoint(where), client(make_client(where)) {
    httplib::Headers headers;
    if (!endpoint.socket_path.empty()) {
      client.set_address_family(AF_UNIX);
      headers.emplace("Host", "localhost");  // else the socket's path, which is no host
    }
    if (!endpoint.token.empty()) headers.emplace("Authorization", "Bearer " + endpoint.token);
    client.set_default_headers(headers);
    if (!endpoint.ca_file.empty()) client.set_ca_cert_path(endpoint.ca_file);
    client.set_keep_alive(true);
    client.set_tcp_nodelay(endpoint.socket_path.empty());
    client.set_connection_timeout(kConnectTimeoutS);
    client.set_write_timeout(kAnswerTimeoutS);
    client.set_read_timeout(kAnswerTimeoutS);
  }

  Result<HttpReply> to_reply(httplib::Result result) const {
    if (!result) {
      const long verify_result = endpoint.tls ? client.get_openssl_verify_result() : X509_V_OK;
      return fail(ErrorCode::unavailable, explain(endpoint, result.error(), verify_result));
    }
    HttpReply reply{result->status, std::move(result->body), {}};
    for (const auto& [name, value] : result->headers) {
      std::string key = lower_case(name);
      if (key.starts_with("x-bramble-")) reply.headers.emplace(std::move(key), value);
    }
    return reply;
  }

  Endpoint endpoint;
  httplib::Client client;
};

HttpClient::HttpClient(const Endpoint& endpoint) : impl_(std::make_unique<Impl>(endpoint)) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;

Result<HttpReply> HttpClient::get(const std::string& path, int64_t wait_s) {
  impl_->client.set_read_timeout(kAnswerTimeoutS + static_cast<time_t>(wait_s));
  // The library gives a body in pieces of 4 KiB: with room for all of them none of it is moved as it grows.
  std::string body;
  const auto make_room = [&body](const httplib::Response& head) {
    const uint64_t bytes = std::strtoull(head.get_header_value("Content-Length").c_str(), nullptr, 10);
    body.reserve(std::min<uint64_t>(bytes, kMaxReserveBytes));
    return true;
  };
  const auto take = [&body](const char* data, size_t size) {
    body.append(data, size);
    return true;
  };
  auto reply = impl_->to_reply(impl_->client.Get(path, make_room, take));
  if (reply) reply->body = std::move(body);
  return reply;
}

Result<HttpReply> HttpClient::post(const std::string& path, const std::string& body, const char* content_type) {
  return impl_->to_reply(impl_->client.Post(path, body, content_type));
}

Result<HttpReply> HttpClient::post(const std::string& path, uint64_t size, const BodySource& source) {
  Status source_status;
  const auto provide = [&](size_t offset, size_t length, httplib::DataSink& sink) {
    auto bytes = source(offset, std::min(length, kBodyStepBytes));
    if (!bytes) {
      source_status = tl::unexpected(bytes.error());
      return false;
    }
    return sink.write(bytes->data(), bytes->size());
  };
  auto result = impl_->client.Post(path, static_cast<size_t>(size), provide, "application/octet-stream");
  if (!source_status) return tl::unexpected(source_status.error());
  return impl_->to_reply(std::move(result));
}

}  // namespace bramble::cli
