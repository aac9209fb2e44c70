#include "agent/warden/inputs.hpp"

#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

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

}  // namespace

Result<posix::UniqueFd> open_input(const std::string& path, const RunAs* agent) {
  posix::UniqueFd fd = open_as(path, agent);
  if (!fd && errno == ELOOP) return fail(ErrorCode::denied, "the standard input " + path + " is a link");
  if (!fd) return posix::system_failure("cannot read the standard input " + path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return posix::system_failure("cannot read the standard input " + path, errno);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::denied, "the standard input " + path + " is no plain file");
  if (agent != nullptr && info.st_uid != agent->uid) {
    return fail(ErrorCode::denied,
                "the standard input " + path + " does not belong to the agent's user " + agent->name);
  }
  return fd;
}

}  // namespace bramble::warden
