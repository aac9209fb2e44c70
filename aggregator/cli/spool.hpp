// Bytes on their way through this machine that may be more than its memory: a file without a name.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/result.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::cli {

class Spool {
 public:
  static Result<Spool> create();  // in TMPDIR, else /tmp

  Status write(std::string_view bytes);
  Status write_all_of(int fd);  // to its end

  int fd() const { return fd_.get(); }
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  explicit Spool(int fd) : fd_(fd) {}

  posix::UniqueFd fd_;
  uint64_t size_bytes_ = 0;
};

}  // namespace bramble::cli
