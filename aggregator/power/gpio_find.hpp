// Where a configured GPIO line is on this machine.
#pragma once

#include "aggregator/power/gpio_api.hpp"
#include "aggregator/power/line_config.hpp"

namespace bramble::aggregator {

struct FoundGpio {
  std::string path;  // "/dev/gpiochip0"
  std::string label;
  int64_t offset = 0;
  GpioLineInfo info;
};

// By its chip's label and its name or offset. Errors name the chips and labels that there are, the nearest name of a
// line, or the group that may open the device.
Result<FoundGpio> find_gpio(GpioApi& api, const GpioPlace& place);

}  // namespace bramble::aggregator
