#include "agent/sensors/kept_files.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>

namespace bramble::sensors {

int KeptFiles::find(const std::string& path) const {
  const auto found = files_.find(path);
  return found == files_.end() ? -1 : found->second.get();
}

void KeptFiles::keep(const std::string& path, posix::UniqueFd fd) {
  struct statfs system {};
  if (files_.size() == kMaxKeptFiles || ::fstatfs(fd.get(), &system) != 0) return;
  if (system.f_type == PROC_SUPER_MAGIC || system.f_type == SYSFS_MAGIC) files_[path] = std::move(fd);
}

}  // namespace bramble::sensors
