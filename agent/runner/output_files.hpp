// Reads the outputs that the warden keeps. One thread.
#pragma once

#include <string>

#include "agent/core/effects.hpp"
#include "common/base/result.hpp"

namespace bramble::runner {

class OutputFiles {
 public:
  // Where the warden says that the attempts' directories are.
  void set_directory(std::string directory) { directory_ = std::move(directory); }

  // Up to max_bytes from offset; fewer at the file's end.
  Result<std::string> read(const agent::ReadOutput& request) const;

 private:
  std::string directory_;
};

}  // namespace bramble::runner
