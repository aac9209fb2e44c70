// Quantities as people read them in tables and messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bramble::cli {

std::string clock_text(int64_t wall_ms);  // local time: "2025-03-01 14:02:11"; "-" for 0

// "s" unless there is exactly one: "3 tasks".
std::string count_text(uint64_t count, std::string_view noun);

// Broken between words into lines of at most `columns`; each further line is indented so far, and the first is where it
// stands so far, too. A word that is too long stands as it is; kAnyWidth and 0: not broken.
std::string wrapped(std::string_view text, size_t indent, size_t columns);

}  // namespace bramble::cli
