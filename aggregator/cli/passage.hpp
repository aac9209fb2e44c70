// Whether another user can come to a folder.
#pragma once

#include <string>

#include "common/base/result.hpp"

namespace bramble::cli {

// The folders above `folder` (an absolute path) let the user pass, by their owners and modes; an error names the first
// that does not. A user who does not exist passes, and so does nobody in particular
// (an empty name): those who need one say so better.
Status check_passage(const std::string& folder, const std::string& user);

}  // namespace bramble::cli
