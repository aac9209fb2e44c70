// A lock that ends with the process that holds it, however it ends.
#pragma once

#include <string>

#include "common/base/result.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::posix {

// Makes the file where there is none and locks it until the descriptor is closed. Held by another process:
// ErrorCode::conflict.
Result<UniqueFd> lock_file(const std::string& path);

}  // namespace bramble::posix
