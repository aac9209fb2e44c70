// Room on the file system that holds the agent's state.
#include <sys/statvfs.h>

#include <cerrno>

#include "agent/sensors/sources.hpp"
#include "common/posix/error.hpp"

namespace bramble::sensors {

void read_space(Probe& probe) {
  const std::string& path = probe.roots.state_dir;
  if (path.empty()) return;
  struct statvfs room {};
  if (::statvfs(path.c_str(), &room) != 0) {
    return probe.trouble("cannot ask for the room at " + path + ": " + posix::errno_text(errno));
  }
  const auto block_bytes = static_cast<double>(room.f_frsize);
  probe.set("disk_free_bytes", static_cast<double>(room.f_bavail) * block_bytes);
  probe.set("disk_total_bytes", static_cast<double>(room.f_blocks) * block_bytes);
}

}  // namespace bramble::sensors
