// /dev/gpiochip*: what both versions of libgpiod leave to us.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::aggregator {

// In order of their numbers: gpiochip2 before gpiochip10.
std::vector<std::string> gpio_device_paths(const std::string& dev_root = "/dev");

// Where the device may not be opened, the group is named that may.
Error gpio_open_error(const std::string& path, int error_number);

}  // namespace bramble::aggregator
