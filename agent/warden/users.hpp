// Whom tasks run as. Reads /etc/passwd and /etc/group itself: a static program cannot load the system's name services.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::warden {

struct RunAs {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // with gid
};

Result<RunAs> find_user(const std::string& name);
// The one user whose own group this is.
Result<RunAs> find_user_of_group(gid_t gid);
Result<gid_t> find_group(const std::string& name);

}  // namespace bramble::warden
