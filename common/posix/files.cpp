#include "common/posix/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "common/posix/error.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::posix {
namespace {

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using DirHandle = std::unique_ptr<DIR, CloseDir>;

Status write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd, data.data(), data.size());
    if (written >= 0) {
      data.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      return system_failure("write", errno);
    }
  }
  return {};
}

Status write_new_file(const std::string& path, std::string_view data, WriteOptions options) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, options.mode));
  if (!fd) return system_failure("cannot create " + path, errno);
  if (const Status written = write_all(fd.get(), data); !written) return in_context(path, written.error());
  if (options.sync && ::fsync(fd.get()) != 0) return system_failure("cannot sync " + path, errno);
  return {};
}

Status sync_directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return system_failure("cannot sync " + directory, errno);
  return {};
}

// Returns 0 or an errno. Works on open directories, so that a task that swaps one for a link cannot lead us out.
int remove_entry(int parent, const char* name);

int remove_contents(int parent, const char* name) {
  int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == EACCES && ::fchmodat(parent, name, 0700, 0) == 0) {
    fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  }
  if (fd < 0) return errno;
  ::fchmod(fd, 0700);  // an owner's read-only directory; where it is not ours the removals below tell
  const DirHandle dir(::fdopendir(fd));
  if (!dir) {
    const int error = errno;
    ::close(fd);
    return error;
  }
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view child = entry->d_name;
    if (child == "." || child == "..") continue;
    if (const int error = remove_entry(fd, entry->d_name); error != 0) return error;
  }
  return 0;
}

int remove_entry(int parent, const char* name) {
  if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) return 0;
  if (errno != EISDIR && errno != EPERM) return errno;
  if (::unlinkat(parent, name, AT_REMOVEDIR) == 0) return 0;
  if (errno != ENOTEMPTY && errno != EEXIST) return errno;
  if (const int error = remove_contents(parent, name); error != 0) return error;
  return ::unlinkat(parent, name, AT_REMOVEDIR) == 0 ? 0 : errno;
}

}  // namespace

Result<std::string> read_file(const std::string& path, size_t max_bytes) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_failure("cannot open " + path, errno);
  struct stat info {};
  ::fstat(fd.get(), &info);
  std::string data;
  size_t filled = 0;
  // Files of /proc say size 0 and have text nevertheless: so read until the end, with one byte to spare.
  data.resize(std::min(max_bytes, std::max<size_t>(static_cast<size_t>(info.st_size), 4095)) + 1);
  while (true) {
    const ssize_t got = ::read(fd.get(), data.data() + filled, data.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure("cannot read " + path, errno);
    if (got == 0) break;
    filled += static_cast<size_t>(got);
    if (filled > max_bytes) {
      return fail(ErrorCode::limit, path + " is larger than " + std::to_string(max_bytes) + " bytes");
    }
    if (filled == data.size()) data.resize(std::min(max_bytes + 1, data.size() * 2));
  }
  data.resize(filled);
  return data;
}

Status write_file_atomically(const std::string& path, std::string_view data, WriteOptions options) {
  struct stat there {};
  if (::stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    return fail(ErrorCode::conflict, path + " is no regular file, and is not replaced by one: name another place");
  }
  const std::string temporary = path + ".tmp";
  Status written = write_new_file(temporary, data, options);
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0) {
    written = system_failure("cannot rename " + temporary + " to " + path, errno);
  }
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  return options.sync ? sync_directory_of(path) : Status{};
}

Status make_directories(const std::string& path, mode_t mode) {
  for (size_t end = path.find('/', 1); true; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST)
      return system_failure("cannot make directory " + part, errno);
    if (end == std::string::npos) break;
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return system_failure("cannot use " + path, errno);
  if (!S_ISDIR(info.st_mode)) return fail(ErrorCode::conflict, path + " exists and is not a directory");
  return {};
}

Status remove_tree(const std::string& path) {
  const int error = remove_entry(AT_FDCWD, path.c_str());
  if (error != 0 && error != ENOTDIR) return system_failure("cannot remove " + path, error);
  return {};
}

Result<std::vector<std::string>> list_directory(const std::string& path, size_t max_entries) {
  const DirHandle dir(::opendir(path.c_str()));
  if (!dir) return system_failure("cannot list " + path, errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (names.size() == max_entries) {
      return fail(ErrorCode::limit, path + " has more than " + std::to_string(max_entries) + " entries");
    }
    names.push_back(std::move(name));
    errno = 0;
  }
  if (errno != 0) return system_failure("cannot list " + path, errno);
  std::sort(names.begin(), names.end());
  return names;
}

Result<uint64_t> free_bytes(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return system_failure("cannot ask for free space of " + path, errno);
  return uint64_t{info.f_bavail} * info.f_frsize;
}

}  // namespace bramble::posix
