#include "common/wire/call_frames.hpp"

#include "common/wire/frame.hpp"

namespace bramble::wire {
namespace {

constexpr size_t kNumberBytes = 4;
constexpr size_t kLeastReply = kReplyHeadBytes - kFrameHeadBytes;

// Both are 4 bytes, low byte first.
uint32_t read_number(std::string_view text) { return frame_length(text); }

void append_number(std::string& text, size_t number) {
  for (unsigned shift = 0; shift < 32; shift += 8) text += static_cast<char>((number >> shift) & 0xFFU);
}

tl::unexpected<Error> bad_frame(size_t position, const std::string& why) {
  return fail("frame " + std::to_string(position) + " " + why);
}

Result<std::vector<std::string_view>> split_frames(std::string_view text, size_t least, size_t most) {
  std::vector<std::string_view> frames;
  while (!text.empty()) {
    if (frames.size() == kMaxBatchCalls) return bad_frame(frames.size(), "is one too many");
    if (text.size() < kFrameHeadBytes) return bad_frame(frames.size(), "is cut off");
    const size_t length = frame_length(text);
    if (length < least || length > most) {
      return bad_frame(frames.size(), "claims to be " + std::to_string(length) + " bytes long");
    }
    text.remove_prefix(kFrameHeadBytes);
    if (text.size() < length) return bad_frame(frames.size(), "is cut off");
    frames.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return frames;
}

Result<Reply> reply_of(std::string_view frame, size_t position) {
  const auto status = static_cast<CallStatus>(frame[kNumberBytes]);
  if (status > CallStatus::unread) return bad_frame(position, "says in no known way how its call went");
  return Reply{read_number(frame), status, frame.substr(kLeastReply)};
}

}  // namespace

void append_call(std::string& batch, const Call& call) {
  append_number(batch, kNumberBytes + call.input.size());
  append_number(batch, call.number);
  batch += call.input;
}

void append_reply(std::string& replies, const Reply& reply) {
  append_number(replies, kLeastReply + reply.bytes.size());
  append_number(replies, reply.number);
  replies += static_cast<char>(reply.status);
  replies += reply.bytes;
}

Result<std::vector<Call>> split_calls(std::string_view batch) {
  const auto frames = split_frames(batch, kNumberBytes, kNumberBytes + kMaxCallBytes);
  if (!frames) return tl::unexpected(frames.error());
  std::vector<Call> calls;
  calls.reserve(frames->size());
  for (const std::string_view frame : *frames) calls.push_back({read_number(frame), frame.substr(kNumberBytes)});
  return calls;
}

Result<std::vector<Reply>> split_replies(std::string_view text) {
  const auto frames = split_frames(text, kLeastReply, kLeastReply + kMaxCallBytes);
  if (!frames) return tl::unexpected(frames.error());
  std::vector<Reply> replies;
  replies.reserve(frames->size());
  for (const std::string_view frame : *frames) {
    const auto reply = reply_of(frame, replies.size());
    if (!reply) return tl::unexpected(reply.error());
    replies.push_back(*reply);
  }
  return replies;
}

Result<std::optional<Reply>> first_reply(std::string_view text) {
  if (text.size() < kFrameHeadBytes) return std::nullopt;
  const size_t length = frame_length(text);
  if (length < kLeastReply || length > kLeastReply + kMaxCallBytes) {
    return bad_frame(0, "claims to be " + std::to_string(length) + " bytes long");
  }
  if (text.size() < kFrameHeadBytes + length) return std::nullopt;
  auto reply = reply_of(text.substr(kFrameHeadBytes, length), 0);
  if (!reply) return tl::unexpected(reply.error());
  return *reply;
}

}  // namespace bramble::wire
