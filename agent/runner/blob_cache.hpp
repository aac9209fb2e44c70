// The inputs of tasks on disk: DIR/<sha256>, and <sha256>.part while one is on its way. One thread.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "agent/core/effects.hpp"
#include "agent/core/reactor.hpp"
#include "common/base/result.hpp"
#include "common/posix/digest.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::runner {

class BlobCache {
 public:
  // Makes the directory and removes what an earlier run left: running tasks have their input open.
  static Result<BlobCache> open(std::string directory);

  // An error is the disk's. Bytes must come in order; offset 0 begins anew.
  Status write(const agent::BlobWrite& write);

  // Gives the file its name if the bytes are those that it names. One that has its name already must still be the file
  // that was written: same size, same time of change (its bytes are read only once). conflict: it is not, or the bytes
  // are not those; any other error: the disk.
  Status check(const std::string& sha256);

  void drop(const std::string& sha256);

 private:
  struct Part {
    posix::UniqueFd fd;
    posix::Sha256 digest;
    uint64_t size_bytes = 0;
  };

  explicit BlobCache(std::string directory) : directory_(std::move(directory)) {}
  std::string path(const std::string& sha256) const { return directory_ + "/" + sha256; }
  std::string part_path(const std::string& sha256) const { return path(sha256) + ".part"; }

  // What tells that a file is still the one that was verified.
  struct Mark {
    uint64_t inode = 0;
    int64_t size_bytes = 0;
    int64_t changed_ns = 0;

    bool operator==(const Mark&) const = default;
  };
  static Mark mark_of(const struct stat& info);
  Status check_again(const std::string& sha256) const;

  std::string directory_;
  std::map<std::string, Part> parts_;
  std::map<std::string, Mark> whole_;  // have their names
};

}  // namespace bramble::runner
