// Finds hwmon chips by the name that their driver gives them; numbers change from boot to boot.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/sensors/probe.hpp"

namespace bramble::sensors {

// Walks /sys/class/hwmon at first, once a minute, and after forget(): not at each look.
class HwmonIndex {
 public:
  // The chip's directory; of several with one name the first in order of their numbers.
  std::optional<std::string> find(Probe& probe, std::string_view name);

  // What was found does not answer any more.
  void forget() { walked_.reset(); }

 private:
  void walk(Probe& probe);

  std::optional<MonoTime> walked_;
  std::map<std::string, std::string, std::less<>> directories_;  // by name
};

}  // namespace bramble::sensors
