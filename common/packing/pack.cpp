#include <zstd.h>

#include "common/packing/packing.hpp"

namespace bramble::packing {
namespace {

constexpr int kLevel = 1;  // a Pi packs faster than its network sends; higher levels gain little on short pieces

}  // namespace

std::optional<std::string> pack(std::string_view bytes) {
  std::string packed(bytes.size() - bytes.size() / 8, '\0');  // a longer one fails, and need not be looked at
  const size_t length = ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), kLevel);
  if (ZSTD_isError(length) != 0 || bytes.empty()) return std::nullopt;
  packed.resize(length);
  return packed;
}

}  // namespace bramble::packing
