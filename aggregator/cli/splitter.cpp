#include "aggregator/cli/splitter.hpp"

#include <algorithm>

namespace bramble::cli {

void Splitter::feed(std::string_view bytes) {
  buffer_.erase(0, begin_);
  begin_ = 0;
  flush_ = false;
  buffer_.append(bytes);
}

void Splitter::end_file() { flush_ = buffer_.size() > begin_ && buffer_.back() != '\n'; }

size_t Splitter::boundary_by_bytes(std::string_view rest) {
  const size_t size = rule_.bytes;
  // At exactly this size the next byte decides: it may end the record, or be the one too many.
  if (rest.size() <= size && flush_) return rest.size();
  if (rest.size() <= size) return rest.size() == size && rest.back() == '\n' ? size : 0;
  if (scanned_ < size) {
    const size_t last = rest.substr(0, size).rfind('\n');
    if (last != std::string_view::npos) return last + 1;
  }
  const size_t next = rest.find('\n', std::max(scanned_, size));
  if (next != std::string_view::npos) return next + 1;
  scanned_ = rest.size();
  return flush_ ? rest.size() : 0;
}

size_t Splitter::boundary_by_records(std::string_view rest) {
  while (scanned_ < rest.size()) {
    const size_t next = rest.find('\n', scanned_);
    scanned_ = next == std::string_view::npos ? rest.size() : next + 1;
    if (next != std::string_view::npos && ++records_ == rule_.records) return scanned_;
  }
  return flush_ ? rest.size() : 0;
}

size_t Splitter::boundary() {
  const std::string_view rest = std::string_view(buffer_).substr(begin_);
  return rule_.records > 0 ? boundary_by_records(rest) : boundary_by_bytes(rest);
}

Result<std::optional<std::string>> Splitter::take() {
  const size_t size = boundary();
  if (std::max(size, size == 0 ? buffer_.size() - begin_ : 0) > kMaxPieceBytes) {
    return fail(rule_.records > 0
                    ? "a piece of " + std::to_string(rule_.records) + " records is longer than 64 MiB: lower --records"
                    : "a record is longer than 64 MiB: are its lines separated by newlines?");
  }
  if (size == 0) return std::nullopt;
  std::string piece = buffer_.substr(begin_, size);
  begin_ += size;
  scanned_ = 0;
  records_ = 0;
  return piece;
}

}  // namespace bramble::cli
