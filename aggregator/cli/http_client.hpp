// HTTP requests to the aggregator, over a Unix socket or TCP: the only place of the command that knows cpp-httplib.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "aggregator/cli/endpoint.hpp"
#include "common/base/result.hpp"

namespace bramble::cli {

struct HttpReply {
  int status = 0;
  std::string body;
  std::map<std::string, std::string> headers;  // names in lower case; only X-Bramble-...
};

// Gives the bytes of a body from `offset` on, at most `size` of them; fewer than asked, but some.
using BodySource = std::function<Result<std::string>(uint64_t offset, size_t size)>;

// One kept connection; one thread at a time. A reply of any status is a value; an error is ErrorCode::unavailable:
// no reply came.
class HttpClient {
 public:
  explicit HttpClient(const Endpoint& endpoint);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;

  // wait_s: how long the aggregator may think before it answers (a long poll).
  Result<HttpReply> get(const std::string& path, int64_t wait_s);
  Result<HttpReply> post(const std::string& path, const std::string& body, const char* content_type);
  Result<HttpReply> post(const std::string& path, uint64_t size, const BodySource& source);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bramble::cli
