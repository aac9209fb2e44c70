// What can be found out about the configured lines without touching any: for `bramble node doctor`.
#pragma once

#include <string>
#include <vector>

#include "aggregator/power/gpio_api.hpp"
#include "aggregator/power/line_config.hpp"

namespace bramble::aggregator {

// What becomes of a line's level when this process ends and no other has taken the line yet.
enum class WhenReleased { keeps, falls, unknown };

struct LineFinding {
  LineIndex line = 0;
  std::string node;
  LineRole role = LineRole::supply;
  std::string name;      // of the line, for people
  std::string problem;   // one sentence with what to do; empty: it was found and may be used
  std::string path;      // GPIO: "/dev/gpiochip0"; meter: its hwmon directory; command: the program; sim: the file
  std::string driver;    // GPIO: the chip's driver, "pinctrl-rp1"
  int64_t offset = -1;   // GPIO
  std::string consumer;  // GPIO: who has it; "bramble" is an aggregator that runs
  WhenReleased when_released = WhenReleased::unknown;
  std::string advice;  // about when_released; empty: nothing to do
};

struct DoctorRoots {
  std::string sys = "/sys";
};

// Requests no line, for letting go of one again can switch it on some kernels; so levels are not read here: those of a
// running aggregator are in its own reports. Safe from any thread, with a GpioApi of its own.
std::vector<LineFinding> examine_lines(const std::vector<LineConfig>& lines, GpioApi& gpio,
                                       const DoctorRoots& roots = {});

}  // namespace bramble::aggregator
