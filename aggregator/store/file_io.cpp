#include "aggregator/store/file_io.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "common/posix/error.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::aggregator {

tl::unexpected<Error> disk_failure(const std::string& what, int error_number) {
  if (error_number == ENOSPC || error_number == EDQUOT) {
    return fail(ErrorCode::unavailable, what + ": the disk is full: make room");
  }
  return posix::system_failure(what, error_number);
}

Status write_at(int fd, const std::string& path, uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return disk_failure("cannot write " + path, errno);
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return {};
}

Result<std::string> read_at(const std::string& path, uint64_t offset, size_t max_bytes) {
  const posix::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info = {};
  if (!fd || ::fstat(fd.get(), &info) != 0) return disk_failure("cannot read " + path, errno);
  const auto size = static_cast<uint64_t>(info.st_size);
  std::string bytes(offset >= size ? 0 : std::min<uint64_t>(max_bytes, size - offset), '\0');
  size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::pread(fd.get(), bytes.data() + have, bytes.size() - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return disk_failure("cannot read " + path, errno);
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

std::optional<uint64_t> file_size(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return static_cast<uint64_t>(info.st_size);
}

Status sync_file(int fd, const std::string& path) {
  if (::fsync(fd) != 0) return disk_failure("cannot make " + path + " durable", errno);
  return {};
}

Status sync_directory(const std::string& path) {
  const posix::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return disk_failure("cannot open " + path, errno);
  return sync_file(fd.get(), path);
}

Status make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0) {
    return errno == EEXIST ? Status{} : Status(disk_failure("cannot make the directory " + path, errno));
  }
  return sync_directory(std::filesystem::path(path).parent_path().string());
}

}  // namespace bramble::aggregator
