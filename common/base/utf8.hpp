// UTF-8, for texts that leave the process in JSON. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bramble {

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

// The text with each byte that is not UTF-8 replaced by U+FFFD, cut to at most max_bytes and never within a character.
// For human texts only: it cannot be undone.
std::string to_utf8(std::string_view text, size_t max_bytes);

}  // namespace bramble
