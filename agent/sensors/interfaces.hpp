// Which network interfaces count.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace bramble::sensors {

// What only passes on the bytes of another interface would count them twice.
inline bool is_virtual_interface(std::string_view name) {
  constexpr std::array<std::string_view, 9> kPrefixes = {"veth", "docker", "br-", "virbr",  "tap",
                                                         "tun",  "wg",     "cni", "flannel"};
  return name == "lo" || std::any_of(kPrefixes.begin(), kPrefixes.end(),
                                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace bramble::sensors
