#include "aggregator/cli/call_results.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "aggregator/cli/table.hpp"
#include "common/base/utf8.hpp"
#include "common/wire/frame.hpp"

namespace bramble::cli {
namespace {

constexpr uint64_t kMostTold = 10;             // failed calls, gaps
constexpr uint32_t kMostUnanswered = 1 << 24;  // in a row; a larger step is none
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
  const std::string_view said = reply.bytes.substr(0, reply.bytes.find('\0'));  // what follows is for programs
  std::string sentence = to_utf8(said, kMaxShownBytes);
  std::replace(sentence.begin(), sentence.end(), '\n', ' ');
  console_.say(fmt::format("{} {} failed: {}", called_, uint64_t{reply.number} + 1, without_controls(sentence)));
  if (failed_ == kMostTold) console_.say("more that fail are only counted");
}

void CallResults::tell_unanswered(uint32_t first, uint32_t calls) {
  if (++gaps_ > kMostTold) return;
  console_.say(calls == 1 ? fmt::format("{} {} has no answer", called_, first + 1)
                          : fmt::format("{0}s {1} to {2} have no answer", called_, first + 1, first + calls));
  if (gaps_ == kMostTold) console_.say("more of these are not told");
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
    const uint32_t unanswered = passed_over((*reply)->number);
    if (unanswered > 0) results_.tell_unanswered((*reply)->number - unanswered, unanswered);
    for (uint32_t i = 0; i < unanswered; ++i) begin_line(text);
    begin_line(text);
    const size_t before = text.size();
    results_.add(text, **reply);
    line_is_open_ = text.size() == before || text.back() != '\n';
    ++taken_;
    left.remove_prefix(wire::kReplyHeadBytes + (*reply)->bytes.size());
  }
  rest_.erase(0, rest_.size() - left.size());
  return write_(text);
}

void ReplyStream::begin_line(std::string& text) {
  if (line_is_open_) text += '\n';
  line_is_open_ = true;
}

// How many calls there are between the last one and this. Only whole batches can be without an answer.
uint32_t ReplyStream::passed_over(uint32_t number) {
  const uint32_t step = number - due_.next;  // numbers wrap around
  if (step != 0 && (taken_ > 0 || step > kMostUnanswered)) due_.counted = false;
  due_.next = number + 1;
  return due_.counted ? step : 0;
}

Status ReplyStream::end() {
  if (!line_is_open_ || (alone_ && taken_ == 1)) return {};
  line_is_open_ = false;
  return write_("\n");
}

void ReplyStream::restart() {
  rest_.clear();
  due_ = due_at_begin_;
  taken_ = 0;
  line_is_open_ = false;
}

}  // namespace bramble::cli
