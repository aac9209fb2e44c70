// Files that are learned from, or answered.
#pragma once

#include <string>

#include "common/base/result.hpp"
#include "common/posix/files.hpp"

namespace bramble::cli {

inline Result<std::string> read_learn_file(const std::string& path) {
  constexpr size_t kMaxBytes = size_t{1} << 30;  // as much as a kernel reads
  return posix::read_file(path, kMaxBytes);
}

}  // namespace bramble::cli
