// Length-prefixed frames on a byte stream: 4 bytes, little-endian, then so many bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace bramble::wire {

inline constexpr size_t kFrameHeadBytes = 4;

uint32_t frame_length(std::string_view head);  // of a frame that begins so; at least kFrameHeadBytes

void append_frame(std::string& text, std::string_view payload);
std::string make_frame(std::string_view payload);

// Takes bytes as they come and gives whole frames. A length above the limit is an error that does not pass: the
// connection must be closed.
class FrameReader {
 public:
  explicit FrameReader(size_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes) {}

  void add(std::string_view bytes) { buffer_.append(bytes); }
  Result<std::optional<std::string>> next();

 private:
  size_t max_frame_bytes_;
  std::string buffer_;
  size_t start_ = 0;
};

}  // namespace bramble::wire
