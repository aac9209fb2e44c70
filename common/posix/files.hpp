// Files as the daemons use them: whole, small, replaced in one step. Errors name the path. Safe from any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::posix {

// A file larger than max_bytes is an error (ErrorCode::limit), not a truncated string.
Result<std::string> read_file(const std::string& path, size_t max_bytes);

struct WriteOptions {
  mode_t mode = 0644;
  bool sync = false;  // true: file and directory are on disk when the call returns
};

// Writes `path`.tmp beside it and renames: readers see the old or the new, never half. One writer per path.
Status write_file_atomically(const std::string& path, std::string_view data, WriteOptions options = {});

// Like mkdir -p. One that exists is left as it is.
Status make_directories(const std::string& path, mode_t mode = 0755);

// Like rm -rf, and through directories that their owner made read-only. What does not exist is no error. Symbolic links
// are removed, never followed.
Status remove_tree(const std::string& path);

// Names, sorted, without "." and "..". More than max_entries is an error (ErrorCode::limit).
Result<std::vector<std::string>> list_directory(const std::string& path, size_t max_entries = 1'000'000);

// What this process may still write to the file system that holds `path`.
Result<uint64_t> free_bytes(const std::string& path);

}  // namespace bramble::posix
