// Words for the reason codes of MQTT 5.
#pragma once

#include <string>

namespace bramble::mqtt {

// "bad user name or password"; with what to do about it where that is known.
std::string reason_text(int reason_code);

}  // namespace bramble::mqtt
