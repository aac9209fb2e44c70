#include "aggregator/cli/http_client.hpp"

#include <httplib.h>
#include <sys/socket.h>

#include <algorithm>

namespace bramble::cli {
namespace {

constexpr time_t kConnectTimeoutS = 5;
constexpr time_t kAnswerTimeoutS = 60;  // beyond what a long poll may take: a slow card's commits are waited for
constexpr size_t kBodyStepBytes = size_t{1} << 20;

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

Result<HttpReply> to_reply(const httplib::Result& result, const Endpoint& endpoint) {
  if (!result) {
    return fail(ErrorCode::unavailable, "cannot reach the aggregator at " + endpoint.url + " (" +
                                            httplib::to_string(result.error()) +
                                            "): is it running there? --url or BRAMBLE_URL says where to look");
  }
  HttpReply reply{result->status, result->body, {}};
  for (const auto& [name, value] : result->headers) {
    std::string key = lower_case(name);
    if (key.starts_with("x-bramble-")) reply.headers.emplace(std::move(key), value);
  }
  return reply;
}

}  // namespace

struct HttpClient::Impl {
  explicit Impl(const Endpoint& where)
      : endpoint(where),
        client(where.socket_path.empty() ? where.host : where.socket_path,
               where.socket_path.empty() ? where.port : 80) {
    httplib::Headers headers;
    if (!endpoint.socket_path.empty()) {
      client.set_address_family(AF_UNIX);
      headers.emplace("Host", "localhost");  // else the socket's path, which is no host
    }
    if (!endpoint.token.empty()) headers.emplace("Authorization", "Bearer " + endpoint.token);
    client.set_default_headers(headers);
    client.set_keep_alive(true);
    client.set_tcp_nodelay(endpoint.socket_path.empty());
    client.set_connection_timeout(kConnectTimeoutS);
    client.set_write_timeout(kAnswerTimeoutS);
    client.set_read_timeout(kAnswerTimeoutS);
  }

  Endpoint endpoint;
  httplib::Client client;
};

HttpClient::HttpClient(const Endpoint& endpoint) : impl_(std::make_unique<Impl>(endpoint)) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;

Result<HttpReply> HttpClient::get(const std::string& path, int64_t wait_s) {
  impl_->client.set_read_timeout(kAnswerTimeoutS + static_cast<time_t>(wait_s));
  return to_reply(impl_->client.Get(path), impl_->endpoint);
}

Result<HttpReply> HttpClient::post(const std::string& path, const std::string& body, const char* content_type) {
  return to_reply(impl_->client.Post(path, body, content_type), impl_->endpoint);
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
  const auto result = impl_->client.Post(path, static_cast<size_t>(size), provide, "application/octet-stream");
  if (!source_status) return tl::unexpected(source_status.error());
  return to_reply(result, impl_->endpoint);
}

}  // namespace bramble::cli
