// Where the kernel tells; tests point it at fixtures.
#pragma once

#include <string>

namespace bramble::sensors {

struct Roots {
  std::string proc = "/proc";
  std::string sys = "/sys";
  std::string dev = "/dev";
  std::string state_dir;  // whose file system's room is told; empty: it is not
};

}  // namespace bramble::sensors
