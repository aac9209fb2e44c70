#include "common/posix/error.hpp"

#include <cctype>
#include <cerrno>
#include <system_error>

namespace bramble::posix {
namespace {

ErrorCode code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    case ESRCH:
      return ErrorCode::not_found;
    case EEXIST:
    case EADDRINUSE:
    case EBUSY:
    case ENOTEMPTY:
      return ErrorCode::conflict;
    case EACCES:
    case EPERM:
      return ErrorCode::denied;
    case EAGAIN:
    case ECONNREFUSED:
    case ETIMEDOUT:
      return ErrorCode::unavailable;
    default:
      return ErrorCode::io;
  }
}

}  // namespace

std::string errno_text(int error_number) {
  std::string text = std::generic_category().message(error_number);
  if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0) {
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  }
  return text;
}

Error system_error(const std::string& what, int error_number) {
  return {code_of(error_number), what + ": " + errno_text(error_number)};
}

}  // namespace bramble::posix
