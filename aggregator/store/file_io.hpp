// Reading and writing at an offset, whole or an error; files made durable. Errors name the path.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"

namespace bramble::aggregator {

// As posix::system_failure, but a full disk is unavailable: the same may be tried again.
tl::unexpected<Error> disk_failure(const std::string& what, int error_number);

Status write_at(int fd, const std::string& path, uint64_t offset, std::string_view bytes);
// At most max_bytes from offset on; empty at and beyond the file's end. not_found when there is no such file.
Result<std::string> read_at(const std::string& path, uint64_t offset, size_t max_bytes);
std::optional<uint64_t> file_size(const std::string& path);
Status sync_file(int fd, const std::string& path);
Status sync_directory(const std::string& path);
Status make_directory(const std::string& path);  // its parent must exist; made durable

}  // namespace bramble::aggregator
