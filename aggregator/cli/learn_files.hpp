// Files that are learned from, or answered.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <utility>

#include "common/base/result.hpp"
#include "common/posix/error.hpp"
#include "common/posix/files.hpp"

namespace bramble::cli {

inline Result<std::string> read_learn_file(const std::string& path) {
  constexpr size_t kMaxBytes = size_t{1} << 30;  // as much as a kernel reads
  return posix::read_file(path, kMaxBytes);
}

// What is wrong in a file is no wrong usage, as an option is: its exit status is that of work that failed.
inline tl::unexpected<Error> wrong_file(Error error) {
  if (error.code == ErrorCode::invalid) error.code = ErrorCode::corrupt;
  return tl::unexpected(std::move(error));
}

// Where the model of a spec goes unless people say: to the current folder, for that of the spec may be another's.
inline std::string model_file(const std::string& spec) {
  return std::filesystem::path(spec).filename().replace_extension(".model");
}

// Whether a model can be written there; asked before the first step, for it may be hours to the last.
inline Status check_model_file(const std::string& file) {
  std::error_code ignored;
  if (file.ends_with('/') || std::filesystem::is_directory(file, ignored)) {
    return fail(file + " is a folder: name a file for the model, such as --output " +
                (std::filesystem::path(file) / "my.model").string());
  }
  if (std::filesystem::exists(file, ignored) && !std::filesystem::is_regular_file(file, ignored)) {
    return fail(file + " is no regular file: name one for the model (--output)");
  }
  const std::string parent = std::filesystem::path(file).parent_path();
  const std::string folder = parent.empty() ? "." : parent;
  if (!std::filesystem::is_directory(folder, ignored)) {
    return fail("there is no folder " + folder + " to write the model " + file + " to");
  }
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return {};
  return posix::system_failure("cannot write the model " + file + " (--output names another place)", errno);
}

}  // namespace bramble::cli
