// One output stream of a task: a pipe whose bytes go into a file, up to a cap; what is above it is counted and dropped.
#pragma once

#include <cstdint>
#include <string>

#include "common/base/result.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::warden {

class Capture {
 public:
  Capture(std::string path, uint64_t cap_bytes) : path_(std::move(path)), cap_bytes_(cap_bytes) {}

  Status open();
  int read_end() const { return read_end_.get(); }
  // Kept open here as well until the task has ended, so that the pipe never hangs up: who is alive is asked of the
  // kernel, not of the pipe, and a wake-up for each task is saved.
  int write_end() const { return write_end_.get(); }

  void keep(const char* data, size_t size);  // for bytes that come another way than by the pipe, which need not be open
  void take_some();                          // what there is, up to 64 KiB; does not block
  void take_rest();                          // all that is in the pipe once its writers are dead; closes everything

  uint64_t kept_bytes() const { return kept_bytes_; }
  uint64_t dropped_bytes() const { return dropped_bytes_; }
  // Why bytes below the cap were dropped; empty: none were.
  const std::string& trouble() const { return trouble_; }

 private:
  size_t take(size_t max_bytes);

  std::string path_;
  uint64_t cap_bytes_;
  posix::UniqueFd read_end_;
  posix::UniqueFd write_end_;
  posix::UniqueFd file_;  // made when the first byte comes
  uint64_t kept_bytes_ = 0;
  uint64_t dropped_bytes_ = 0;
  std::string trouble_;
};

}  // namespace bramble::warden
