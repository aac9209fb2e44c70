// The VideoCore firmware's general commands, as `vcgencmd` sends them, without starting a process for each.
#pragma once

#include <memory>
#include <string>

#include "common/base/result.hpp"

namespace bramble::sensors {

class Firmware {
 public:
  virtual ~Firmware() = default;

  // The answer's text ("throttled=0x50005"). ErrorCode::not_found: this machine has no such firmware. May block.
  virtual Result<std::string> command(const std::string& text) = 0;
};

// The real one, at <dev>/vcio_gencmd or <dev>/vcio. Thread-safe: a command waits for the one before it.
std::unique_ptr<Firmware> open_firmware(const std::string& dev);

}  // namespace bramble::sensors
