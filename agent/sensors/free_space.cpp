// Room on the file system that holds the agent's state.
#include "agent/sensors/parse.hpp"
#include "agent/sensors/sources.hpp"

namespace bramble::sensors {

void read_free_space(const Roots& roots, Values& values) {
  if (roots.state_dir.empty()) return;
  if (const auto bytes = posix::free_bytes(roots.state_dir)) values["disk_free_bytes"] = static_cast<double>(*bytes);
}

}  // namespace bramble::sensors
