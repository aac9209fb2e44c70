// Words for the reason codes of MQTT 5.
#pragma once

#include <string>
#include <string_view>

namespace bramble::mqtt {

// "bad user name or password"; with what to do about it where that is known.
std::string reason_text(int reason_code);

// What a line of OpenSSL's errors means here, and what to do; the line itself where that is not known. "" for "".
std::string tls_reason(std::string_view openssl_words);

}  // namespace bramble::mqtt
