#include "common/wire/frame.hpp"

namespace bramble::wire {
uint32_t frame_length(std::string_view head) {
  uint32_t length = 0;
  for (size_t i = kFrameHeadBytes; i-- > 0;) length = (length << 8) | static_cast<unsigned char>(head[i]);
  return length;
}

void append_frame(std::string& text, std::string_view payload) {
  const auto length = static_cast<uint32_t>(payload.size());
  for (unsigned shift = 0; shift < 8 * kFrameHeadBytes; shift += 8)
    text += static_cast<char>((length >> shift) & 0xFFU);
  text += payload;
}

std::string make_frame(std::string_view payload) {
  std::string frame;
  frame.reserve(kFrameHeadBytes + payload.size());
  append_frame(frame, payload);
  return frame;
}

Result<std::optional<std::string>> FrameReader::next() {
  const std::string_view waiting = std::string_view(buffer_).substr(start_);
  if (waiting.size() < kFrameHeadBytes) return std::nullopt;
  const size_t length = frame_length(waiting);
  if (length > max_frame_bytes_) {
    return fail(ErrorCode::limit, "a frame of " + std::to_string(length) + " bytes; at most " +
                                      std::to_string(max_frame_bytes_) + " are allowed");
  }
  if (waiting.size() < kFrameHeadBytes + length) return std::nullopt;
  std::string frame(waiting.substr(kFrameHeadBytes, length));
  start_ += kFrameHeadBytes + length;
  // Taken bytes are moved out of the way only when they are at least half of the buffer: each byte moves about once.
  if (start_ >= buffer_.size() - start_) {
    buffer_.erase(0, start_);
    start_ = 0;
  }
  return frame;
}

}  // namespace bramble::wire
