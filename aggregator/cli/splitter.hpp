// Cuts a stream of bytes into pieces at record boundaries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace bramble::cli {

inline constexpr size_t kMaxPieceBytes = size_t{64} << 20;  // also the longest record

struct SplitRule {
  size_t bytes = size_t{1} << 20;  // as many whole records as fit; a longer record stays whole
  uint64_t records = 0;            // above 0: exactly so many records a piece, and bytes does not count
};

// A record ends with '\n' or with its file; where the last record of a file lacks the '\n', the piece ends too, so
// that no byte need be added to keep two records apart. The pieces, put together, are the input.
//
// Use: feed() some bytes, take() until it has nothing, feed() more. end_file() after each input, then take() again;
// finish() after the last. Holds at most one piece and what was fed last.
class Splitter {
 public:
  explicit Splitter(SplitRule rule) : rule_(rule) {}

  void feed(std::string_view bytes);
  void end_file();
  void finish() { flush_ = true; }

  // The next whole piece, if there is one; an error where a piece would be longer than kMaxPieceBytes.
  Result<std::optional<std::string>> take();

 private:
  size_t boundary();
  size_t boundary_by_bytes(std::string_view rest);
  size_t boundary_by_records(std::string_view rest);

  SplitRule rule_;
  std::string buffer_;
  size_t begin_ = 0;      // where the piece being gathered begins in buffer_
  size_t scanned_ = 0;    // bytes behind begin_ in which no boundary was found
  uint64_t records_ = 0;  // whole records among those
  bool flush_ = false;    // what is held is a piece, whatever its end
};

}  // namespace bramble::cli
