#include "agent/warden/inputs.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "common/posix/error.hpp"

namespace bramble::warden {
namespace {

// While it lives, this thread meets files as that user does. Supplementary groups are the caller's to set.
class FileRights {
 public:
  explicit FileRights(const RunAs* user) : gid_(user ? ::setfsgid(user->gid) : -1), uid_(-1) {
    if (user != nullptr) uid_ = ::setfsuid(user->uid);
  }
  ~FileRights() {
    if (uid_ >= 0) ::setfsuid(static_cast<uid_t>(uid_));
    if (gid_ >= 0) ::setfsgid(static_cast<gid_t>(gid_));
  }
  FileRights(const FileRights&) = delete;
  FileRights& operator=(const FileRights&) = delete;

 private:
  int gid_;
  int uid_;
};

posix::UniqueFd open_as(const std::string& path, const RunAs* agent) {
  const FileRights rights(agent);
  // Not blocking: a FIFO without a writer must not stop a keeper.
  return posix::UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
}

constexpr mode_t kLaidMode = 0555;
constexpr size_t kCopyAtOnceBytes = 16 << 20;

bool is_out_of_reach(const struct stat& file, const RunAs* task) {
  return task != nullptr && task->uid != 0 && task->uid != file.st_uid && (file.st_mode & 07777) == kLaidMode;
}

// False also where the file lies on another file system, or too many links have been made.
bool link_to(int file, int directory, const std::string& name) {
  const std::string source = "/proc/self/fd/" + std::to_string(file);
  return ::linkat(AT_FDCWD, source.c_str(), directory, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

// Shares the blocks where the file system can.
Status copy_bytes(int from, int to, off_t size) {
  if (::ioctl(to, FICLONE, from) == 0) return {};
  off_t done = 0;
  while (done < size) {
    const ssize_t sent = ::sendfile(to, from, &done, kCopyAtOnceBytes);
    if (sent < 0 && errno != EINTR) return posix::system_failure("cannot copy an input file", errno);
    if (sent == 0) return fail(ErrorCode::io, "cannot copy an input file: it became shorter");
  }
  return {};
}

// Other tasks of the same user can write here: nothing that they put in the way is followed or written to.
Status make_file(int directory, const std::string& name, int from, off_t size) {
  const posix::UniqueFd file(
      ::openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return posix::system_failure("cannot make the input file " + name, errno);
  if (Status copied = size > 0 ? copy_bytes(from, file.get(), size) : Status{}; !copied) return copied;
  if (::fchmod(file.get(), kLaidMode) == 0) return {};
  return posix::system_failure("cannot make the input file " + name + " read-only", errno);
}

Status lay_input(const wire::WardenFile& input, int directory, const RunAs* agent, const RunAs* task) {
  if (input.path.empty()) return make_file(directory, input.name, -1, 0);
  const auto file = open_input(input.path, agent);
  if (!file) return tl::unexpected(file.error());
  struct stat about {};
  if (::fstat(file->get(), &about) != 0) return posix::system_failure("cannot read the input " + input.path, errno);
  if (is_out_of_reach(about, task) && link_to(file->get(), directory, input.name)) return {};
  return make_file(directory, input.name, file->get(), about.st_size);
}

}  // namespace

Result<posix::UniqueFd> open_input(const std::string& path, const RunAs* agent) {
  posix::UniqueFd fd = open_as(path, agent);
  if (!fd && errno == ELOOP) return fail(ErrorCode::denied, "the input " + path + " is a link");
  if (!fd) return posix::system_failure("cannot read the input " + path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return posix::system_failure("cannot read the input " + path, errno);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::denied, "the input " + path + " is no plain file");
  if (agent != nullptr && info.st_uid != agent->uid) {
    return fail(ErrorCode::denied, "the input " + path + " does not belong to the agent's user " + agent->name);
  }
  return fd;
}

Status lay_inputs(const std::vector<wire::WardenFile>& files, const std::string& work, const RunAs* agent,
                  const RunAs* task) {
  if (files.empty()) return {};
  const posix::UniqueFd directory(::open(work.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) return posix::system_failure("cannot open the working directory", errno);
  for (const wire::WardenFile& file : files) {
    if (Status laid = lay_input(file, directory.get(), agent, task); !laid) return laid;
  }
  return {};
}

}  // namespace bramble::warden
