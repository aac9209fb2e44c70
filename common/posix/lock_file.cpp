#include "common/posix/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "common/posix/error.hpp"

namespace bramble::posix {

Result<UniqueFd> lock_file(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return system_failure("cannot open " + path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK) return fail(ErrorCode::conflict, path + " is locked by another process");
  return system_failure("cannot lock " + path, errno);
}

}  // namespace bramble::posix
