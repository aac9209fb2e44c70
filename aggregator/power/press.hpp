// A press that ends by itself.
#pragma once

#include <cstdint>

#include "aggregator/power/pin.hpp"
#include "common/posix/process.hpp"

namespace bramble::aggregator {

// Drives `pin` to true for press_ms and then to false, in a child with a session of its own that heeds no signal but
// KILL: it ends the press also when this process is stopped or killed in it. The child keeps no descriptor but the
// pin's, so a new aggregator is not held up by the old one's lock. Ends with status 0 if both edges were driven.
Result<posix::Process> start_press(Pin& pin, int64_t press_ms);

}  // namespace bramble::aggregator
