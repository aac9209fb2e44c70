// Files that are learned from, or answered.
#pragma once

#include <filesystem>
#include <string>

#include "common/base/result.hpp"
#include "common/posix/files.hpp"

namespace bramble::cli {

inline Result<std::string> read_learn_file(const std::string& path) {
  constexpr size_t kMaxBytes = size_t{1} << 30;  // as much as a kernel reads
  return posix::read_file(path, kMaxBytes);
}

// Where the model of a spec goes unless people say: to the current folder, for that of the spec may be another's.
inline std::string model_file(const std::string& spec) {
  return std::filesystem::path(spec).filename().replace_extension(".model");
}

}  // namespace bramble::cli
