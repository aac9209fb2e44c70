// Stream sockets in the file system. All descriptors are close-on-exec and non-blocking.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/base/result.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::posix {

// Listens at `path` with these permissions. A socket that a dead process left there is replaced; one that somebody
// listens on is ErrorCode::conflict. A path above 107 bytes cannot be a socket's name: the error says so.
Result<UniqueFd> listen_unix(const std::string& path, mode_t mode = 0660);

// Nobody there: ErrorCode::not_found or unavailable; try again later.
Result<UniqueFd> connect_unix(const std::string& path);

// ErrorCode::unavailable when nobody waits.
Result<UniqueFd> accept_unix(int listener);

struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

Result<PeerCredentials> peer_credentials(int socket);

}  // namespace bramble::posix
