// Sizes in bytes as people write them; K is 1024. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace bramble {

// "512", "100K", "1M", "1.5G", "2T"; also "MB" and "MiB", in either case, all counted by 1024.
Result<uint64_t> parse_size_bytes(std::string_view text);

// Short, for tables, rounded down: "512", "1.5K", "100M", "2G".
std::string format_size(uint64_t size_bytes);

}  // namespace bramble
