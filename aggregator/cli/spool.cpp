#include "aggregator/cli/spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "common/posix/error.hpp"

namespace bramble::cli {
namespace {

constexpr size_t kStepBytes = size_t{256} << 10;

std::string folder() {
  const char* chosen = std::getenv("TMPDIR");
  return chosen && *chosen ? chosen : "/tmp";
}

tl::unexpected<Error> no_room(int error) {
  return fail(ErrorCode::io,
              "cannot keep bytes in " + folder() + ": " + posix::errno_text(error) + " (TMPDIR names another folder)");
}

}  // namespace

Result<Spool> Spool::create() {
  std::string path = folder() + "/bramble-XXXXXX";
  const int fd = ::mkostemp(path.data(), O_CLOEXEC);
  if (fd < 0) return no_room(errno);
  ::unlink(path.c_str());
  return Spool(fd);
}

Status Spool::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return no_room(errno);
    bytes.remove_prefix(static_cast<size_t>(written));
    size_bytes_ += static_cast<uint64_t>(written);
  }
  return {};
}

Status Spool::write_all_of(int fd) {
  std::string buffer(kStepBytes, '\0');
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got == 0) return {};
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorCode::io, "cannot read the input: " + posix::errno_text(errno));
    if (auto status = write(std::string_view(buffer).substr(0, static_cast<size_t>(got))); !status) return status;
  }
}

}  // namespace bramble::cli
