#include "aggregator/cli/call_results.hpp"

#include <fmt/format.h>

#include "common/base/utf8.hpp"
#include "common/wire/frame.hpp"

namespace bramble::cli {
namespace {

constexpr uint64_t kMostTold = 10;  // failed calls
constexpr size_t kMaxShownBytes = 300;

}  // namespace

void CallResults::add(std::string& text, const wire::Reply& reply) {
  const bool good = reply.status == wire::CallStatus::good;
  if (!good) tell_failed(reply);
  const std::string_view result = good ? reply.bytes : std::string_view();
  if (form_ == CallForm::frames) {
    wire::append_frame(text, result);
    return;
  }
  text += result;
  if (form_ == CallForm::lines && (result.empty() || result.back() != '\n')) text += '\n';
}

void CallResults::tell_failed(const wire::Reply& reply) {
  if (++failed_ > kMostTold) return;
  console_.say(fmt::format("{} {} failed: {}", called_, reply.number + 1, to_utf8(reply.bytes, kMaxShownBytes)));
  if (failed_ == kMostTold) console_.say("more that fail are only counted");
}

Status ReplyStream::take(std::string_view bytes) {
  rest_ += bytes;
  std::string_view left = rest_;
  std::string text;
  while (true) {
    const auto reply = wire::first_reply(left);
    if (!reply) {
      return fail(ErrorCode::corrupt, "what the task has written are no replies to calls (" + reply.error().message +
                                          "): --frames prints it as it is");
    }
    if (!*reply) break;
    if (line_is_open_) text += '\n';
    const size_t before = text.size();
    results_.add(text, **reply);
    line_is_open_ = text.size() == before || text.back() != '\n';
    ++taken_;
    left.remove_prefix(wire::kReplyHeadBytes + (*reply)->bytes.size());
  }
  rest_.erase(0, rest_.size() - left.size());
  return write_(text);
}

Status ReplyStream::end() {
  if (!line_is_open_ || (alone_ && taken_ == 1)) return {};
  line_is_open_ = false;
  return write_("\n");
}

void ReplyStream::restart() {
  rest_.clear();
  taken_ = 0;
  line_is_open_ = false;
}

}  // namespace bramble::cli
