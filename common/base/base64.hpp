// Base64 (RFC 4648, section 4): the plain alphabet, padded, no line breaks. Pure.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace bramble {

std::string base64_encode(std::string_view bytes);

// Strict: each byte string has exactly one text that decodes to it.
Result<std::string> base64_decode(std::string_view text);

}  // namespace bramble
