#include <zstd.h>

#include "common/packing/packing.hpp"

namespace bramble::packing {
namespace {

constexpr int kLevel = 1;  // a Pi packs faster than its network sends; higher levels gain little on short pieces

// A sample from the middle tells most data that cannot be made smaller (random numbers, pictures, archives) in a tenth
// of the time that a try with all of it takes. A short piece finds fewer repetitions than the whole, so less is asked
// of it.
constexpr size_t kSampleBytes = 4 << 10;
constexpr size_t kWorthASampleBytes = 4 * kSampleBytes;

bool is_packed_into(std::string& packed, std::string_view bytes) {
  const size_t length = ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), kLevel);
  if (ZSTD_isError(length) != 0) return false;  // it is longer
  packed.resize(length);
  return true;
}

bool looks_random(std::string_view bytes) {
  if (bytes.size() < kWorthASampleBytes) return false;
  std::string packed(kSampleBytes - kSampleBytes / 16, '\0');
  return !is_packed_into(packed, bytes.substr((bytes.size() - kSampleBytes) / 2, kSampleBytes));
}

}  // namespace

std::optional<std::string> pack(std::string_view bytes) {
  if (bytes.empty() || looks_random(bytes)) return std::nullopt;
  std::string packed(bytes.size() - bytes.size() / 8, '\0');  // a longer one fails, and need not be looked at
  if (!is_packed_into(packed, bytes)) return std::nullopt;
  return packed;
}

}  // namespace bramble::packing
