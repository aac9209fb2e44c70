// One place that turns errno into our errors.
#pragma once

#include <string>

#include "common/base/result.hpp"

namespace bramble::posix {

// "cannot open /x/y: permission denied". `what` names the attempt: "cannot open /x/y".
Error system_error(const std::string& what, int error_number);
inline tl::unexpected<Error> system_failure(const std::string& what, int error_number) {
  return tl::unexpected<Error>(system_error(what, error_number));
}

// "no such file or directory"; never fails, safe from any thread.
std::string errno_text(int error_number);

}  // namespace bramble::posix
