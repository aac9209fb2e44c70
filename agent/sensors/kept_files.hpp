// Files of /proc and /sys that stay open from look to look: to open and close one costs as much as to read it. They are
// read anew from their begin; what they told before is not kept.
#pragma once

#include <map>
#include <string>

#include "common/posix/unique_fd.hpp"

namespace bramble::sensors {

inline constexpr size_t kMaxKeptFiles = 32;  // of one source

// Not thread-safe: each source has its own.
class KeptFiles {
 public:
  // The descriptor, which stays ours; -1: it is not kept.
  int find(const std::string& path) const;
  // Takes it over where it is the kernel's own text, which has one name for ever. A file on a disk may be exchanged for
  // another of its name, and a pipe cannot be read twice.
  void keep(const std::string& path, posix::UniqueFd fd);
  void drop(const std::string& path) { files_.erase(path); }
  size_t size() const { return files_.size(); }

 private:
  std::map<std::string, posix::UniqueFd> files_;
};

}  // namespace bramble::sensors
