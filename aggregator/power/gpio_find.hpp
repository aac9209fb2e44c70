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

// The same for two places that are one line, whatever they call it.
std::string gpio_place_id(const FoundGpio& found);

// Of a line that is not ours: "in use by 'gpio-fan': end that, or configure another line".
std::string in_use_by(const std::string& consumer);

}  // namespace bramble::aggregator
