#include "aggregator/http/http_message.hpp"

#include <nlohmann/json.hpp>

#include "common/base/utf8.hpp"

namespace bramble::aggregator::http {
namespace {

constexpr size_t kMaxSentenceBytes = 4096;

}  // namespace

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid:
      return 400;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::conflict:
      return 409;
    case ErrorCode::limit:
      return 413;
    case ErrorCode::unavailable:
      return 503;
    case ErrorCode::denied:
      return 403;
    case ErrorCode::io:
    case ErrorCode::corrupt:
      break;
  }
  return 500;
}

HttpReply json_reply(std::string body, int status) {
  HttpReply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}

HttpReply error_reply(int status, std::string_view sentence) {
  HttpReply reply = json_reply(nlohmann::json{{"error", to_utf8(sentence, kMaxSentenceBytes)}}.dump(), status);
  if (status == 503) reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

HttpReply error_reply(const Error& error) { return error_reply(http_status(error.code), error.message); }

}  // namespace bramble::aggregator::http
