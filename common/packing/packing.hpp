// Pieces of data made smaller for the way over the network, each by itself (zstd frames, RFC 8878). The only place that
// knows zstd. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace bramble::packing {

// Nothing where it would save less than an eighth: then the work at the other end is not worth it. Of longer pieces a
// sample from the middle is tried first: where that hardly shrinks, the rest is taken to be alike.
std::optional<std::string> pack(std::string_view bytes);

// What was packed; an error where it is damaged, or would have more than so many bytes.
Result<std::string> unpack(std::string_view packed, size_t most_bytes);

}  // namespace bramble::packing
