#include "aggregator/power/sim_pin.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "common/posix/error.hpp"
#include "common/posix/files.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMaxLevelBytes = 16;

}  // namespace

Status SimPin::take() {
  const std::string directory = path_.substr(0, path_.rfind('/'));
  if (::access(directory.c_str(), W_OK | X_OK) != 0) {
    return posix::system_failure("cannot use the directory of simulated lines " + directory, errno);
  }
  return {};
}

Result<bool> SimPin::read() {
  const auto text = posix::read_file(path_, kMaxLevelBytes);
  if (!text && text.error().code == ErrorCode::not_found) {
    if (const Status there = take(); !there) return tl::unexpected<Error>(there.error());
    return false;
  }
  if (!text) return tl::unexpected<Error>(text.error());
  if (*text == "1\n" || *text == "1") return true;
  if (*text == "0\n" || *text == "0" || text->empty()) return false;
  return fail(path_ + " holds neither 0 nor 1");
}

Status SimPin::drive(bool level) {
  if (::access(stuck_path_.c_str(), F_OK) == 0) return {};
  const posix::UniqueFd file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!file || ::pwrite(file.get(), level ? "1\n" : "0\n", 2, 0) != 2 || ::ftruncate(file.get(), 2) != 0) {
    return posix::system_failure("cannot write " + path_, errno);
  }
  return {};
}

}  // namespace bramble::aggregator
