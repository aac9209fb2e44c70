// One request and its reply as values: what the handlers see of HTTP.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/core/api.hpp"
#include "common/base/result.hpp"

namespace bramble::aggregator::http {

struct HttpRequest {
  std::string method;
  std::string path;  // without the query, percent-decoded
  std::vector<std::pair<std::string, std::string>> params;
  Caller caller;
  std::string body;
};

struct HttpReply {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
};

// Gives the one reply to a request; from any thread, without blocking. Further calls do nothing.
using Answer = std::function<void(HttpReply)>;

HttpReply json_reply(std::string body, int status = 200);
HttpReply error_reply(int status, std::string_view sentence);  // 503 says when to come again
HttpReply error_reply(const Error& error);

// The status that stands for an error of the aggregator's own parts.
int http_status(ErrorCode code);

}  // namespace bramble::aggregator::http
