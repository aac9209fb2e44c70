// Quantities as people read them in tables and messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bramble::cli {

std::string clock_text(int64_t wall_ms);  // local time: "2025-03-01 14:02:11"; "-" for 0

// "s" unless there is exactly one: "3 tasks".
std::string count_text(uint64_t count, std::string_view noun);

}  // namespace bramble::cli
