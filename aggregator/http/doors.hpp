// Where connections come in, and who may.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "aggregator/core/api.hpp"
#include "aggregator/core/roles.hpp"
#include "aggregator/http/access.hpp"
#include "aggregator/http/local_users.hpp"
#include "aggregator/http/token_table.hpp"
#include "common/base/result.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::aggregator::http {

// Says who asks on the connection `socket` for something that needs the role, or why not. Thread-safe.
using Door = std::function<std::variant<Caller, Refusal>(int socket, const AccessHeaders& headers, Role needs)>;

// Peer credentials: the owner is the name of the peer's uid. Root and this process's own uid are operators, others have
// the role that the lists give them.
Door unix_door(AccessLists lists);

// Host, Origin and token: the caller is the token's owner.
Door tcp_door(AccessPolicy policy, std::shared_ptr<const TokenTable> tokens);

// A socket file that goes away with its owner (unless somebody else has put another one there meanwhile).
class SocketFile {
 public:
  explicit SocketFile(std::string path);
  ~SocketFile();
  SocketFile(const SocketFile&) = delete;
  SocketFile& operator=(const SocketFile&) = delete;

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Listening, non-blocking sockets. In use: ErrorCode::conflict, and what to do.
Result<posix::UniqueFd> listen_at_path(const std::string& path);
Result<posix::UniqueFd> listen_tcp(const std::string& address);  // "HOST:PORT", "[::1]:PORT"

// The host of "HOST:PORT", without brackets.
Result<std::pair<std::string, std::string>> split_address(const std::string& address);

uint16_t local_port(int socket);
std::string local_address(int socket);  // numeric; empty for a Unix socket
std::string peer_address(int socket);   // the same; "this machine" for a Unix socket

}  // namespace bramble::aggregator::http
