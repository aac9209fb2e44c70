#include "agent/runner/output_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "common/posix/error.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::runner {

Result<std::string> OutputFiles::read(const agent::ReadOutput& request) const {
  if (directory_.empty()) return fail(ErrorCode::unavailable, "the warden has not said where outputs are");
  const char* const name = request.stream == wire::Stream::stdout_ ? "/stdout" : "/stderr";
  const std::string path = directory_ + "/" + wire::directory_name(request.task) + name;
  const posix::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return posix::system_failure("cannot open " + path, errno);
  std::string data(static_cast<size_t>(request.max_bytes), '\0');
  size_t size = 0;
  while (size < data.size()) {
    const ssize_t got =
        ::pread(fd.get(), data.data() + size, data.size() - size, static_cast<off_t>(request.offset + size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return posix::system_failure("cannot read " + path, errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  data.resize(size);
  return data;
}

}  // namespace bramble::runner
