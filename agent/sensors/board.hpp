// Which board this is, by its device tree, and what is known of such boards.
#pragma once

#include <string>
#include <string_view>

#include "agent/sensors/roots.hpp"
#include "common/wire/messages.hpp"

namespace bramble::sensors {

struct Board {
  std::string model;       // as the device tree, else the firmware, else the processor calls it; may be empty
  wire::PowerModel power;  // published figures at the wall; idle varies up to twofold between reports: calibrate
  bool has_pmic = false;   // the firmware can be asked for the currents of its converter
};

Board read_board(const Roots& roots);

// For a device tree's `compatible` (NUL between the names) and `model`; a rough default for what is not known.
Board recognise_board(std::string_view compatible, std::string model);

}  // namespace bramble::sensors
