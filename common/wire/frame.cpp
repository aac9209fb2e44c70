#include "common/wire/frame.hpp"

#include <cstdint>

namespace bramble::wire {
namespace {

constexpr size_t kLengthBytes = 4;

uint32_t read_length(std::string_view bytes) {
  uint32_t length = 0;
  for (size_t i = kLengthBytes; i-- > 0;) length = (length << 8) | static_cast<unsigned char>(bytes[i]);
  return length;
}

}  // namespace

std::string make_frame(std::string_view payload) {
  std::string frame;
  frame.reserve(kLengthBytes + payload.size());
  const auto length = static_cast<uint32_t>(payload.size());
  for (unsigned shift = 0; shift < 8 * kLengthBytes; shift += 8) frame += static_cast<char>((length >> shift) & 0xFFU);
  frame += payload;
  return frame;
}

Result<std::optional<std::string>> FrameReader::next() {
  const std::string_view waiting = std::string_view(buffer_).substr(start_);
  if (waiting.size() < kLengthBytes) return std::nullopt;
  const size_t length = read_length(waiting);
  if (length > max_frame_bytes_) {
    return fail(ErrorCode::limit, "a frame of " + std::to_string(length) + " bytes; at most " +
                                      std::to_string(max_frame_bytes_) + " are allowed");
  }
  if (waiting.size() < kLengthBytes + length) return std::nullopt;
  std::string frame(waiting.substr(kLengthBytes, length));
  start_ += kLengthBytes + length;
  // Taken bytes are moved out of the way only when they are at least half of the buffer: each byte moves about once.
  if (start_ >= buffer_.size() - start_) {
    buffer_.erase(0, start_);
    start_ = 0;
  }
  return frame;
}

}  // namespace bramble::wire
