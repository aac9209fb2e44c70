#include <zstd.h>

#include "common/packing/packing.hpp"

namespace bramble::packing {

Result<std::string> unpack(std::string_view packed, size_t most_bytes) {
  const unsigned long long claimed = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (claimed == ZSTD_CONTENTSIZE_ERROR || claimed == ZSTD_CONTENTSIZE_UNKNOWN) {
    return fail(ErrorCode::corrupt, "these bytes were not packed here");
  }
  if (claimed > most_bytes) {
    return fail(ErrorCode::limit, "they claim to be " + std::to_string(claimed) + " bytes; at most " +
                                      std::to_string(most_bytes) + " are allowed");
  }
  std::string bytes(static_cast<size_t>(claimed), '\0');
  const size_t length = ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size());
  if (ZSTD_isError(length) != 0 || length != bytes.size()) return fail(ErrorCode::corrupt, "packed bytes are damaged");
  return bytes;
}

}  // namespace bramble::packing
