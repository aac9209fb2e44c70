#include "common/posix/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "common/posix/error.hpp"

namespace bramble::posix {
namespace {

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty()) return fail("a socket needs a path");
  if (path.size() >= sizeof address.sun_path) {
    return fail("socket path " + path + " has " + std::to_string(path.size()) + " bytes, and the system allows " +
                std::to_string(sizeof address.sun_path - 1) + ": choose a directory with a shorter name");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* as_sockaddr(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

UniqueFd new_socket() { return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

Status remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode)) return fail(ErrorCode::conflict, path + " exists and is not a socket");
  const UniqueFd probe = new_socket();
  if (!probe) return system_failure("cannot make a socket", errno);
  const bool answered = ::connect(probe.get(), as_sockaddr(address), sizeof address) == 0;
  if (answered || errno != ECONNREFUSED) {
    return fail(ErrorCode::conflict, path + " is in use by another process");
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return system_failure("cannot remove stale socket " + path, errno);
  return {};
}

}  // namespace

Result<UniqueFd> listen_unix(const std::string& path, mode_t mode) {
  const auto address = address_of(path);
  if (!address) return tl::unexpected(address.error());
  if (const Status free = remove_stale(path, *address); !free) return tl::unexpected(free.error());
  UniqueFd fd = new_socket();
  if (!fd) return system_failure("cannot make a socket", errno);
  if (::bind(fd.get(), as_sockaddr(*address), sizeof *address) != 0) {
    return system_failure("cannot make socket " + path, errno);
  }
  // Before listen(): nobody can connect while the permissions are those of the umask.
  if (::chmod(path.c_str(), mode) != 0) return system_failure("cannot set permissions of " + path, errno);
  if (::listen(fd.get(), SOMAXCONN) != 0) return system_failure("cannot listen on " + path, errno);
  return fd;
}

Result<UniqueFd> connect_unix(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return tl::unexpected(address.error());
  UniqueFd fd = new_socket();
  if (!fd) return system_failure("cannot make a socket", errno);
  if (::connect(fd.get(), as_sockaddr(*address), sizeof *address) != 0) {
    return system_failure("cannot connect to " + path, errno);
  }
  return fd;
}

Result<UniqueFd> accept_unix(int listener) {
  UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) return system_failure("cannot accept a connection", errno);
  return fd;
}

Result<PeerCredentials> peer_credentials(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return system_failure("cannot ask who is connected", errno);
  }
  return PeerCredentials{peer.pid, peer.uid, peer.gid};
}

}  // namespace bramble::posix
