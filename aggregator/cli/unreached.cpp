#include "aggregator/cli/unreached.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "common/posix/error.hpp"
#include "common/posix/unique_fd.hpp"

namespace bramble::cli {
namespace {

constexpr int kTryMs = 1'000;

// 0, or the errno of a connection that does not come about.
int try_connect(const sockaddr* address, socklen_t size) {
  const posix::UniqueFd fd(::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return errno;
  if (::connect(fd.get(), address, size) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd ready{fd.get(), POLLOUT, 0};
  if (::poll(&ready, 1, kTryMs) <= 0) return ETIMEDOUT;
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

int try_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  return try_connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

// The last of its addresses decides, as it does for the HTTP library.
std::string why_not_host(const Endpoint& endpoint, int& error) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (failed == EAI_NONAME || failed == EAI_NODATA) return "there is no such host";
  if (failed == EAI_AGAIN) return "nobody could be asked for the host's address";
  if (failed != 0) return ::gai_strerror(failed);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    error = try_connect(each->ai_addr, each->ai_addrlen);
    if (error == 0) break;
  }
  return "";
}

}  // namespace

std::string why_unreached(const Endpoint& endpoint) {
  const bool is_local = !endpoint.socket_path.empty();
  int error = 0;
  if (is_local) {
    error = try_socket(endpoint.socket_path);
  } else if (const std::string why = why_not_host(endpoint, error); !why.empty()) {
    return why;
  }
  switch (error) {
    case 0:
      return "it did not answer a moment ago, and does now";
    case ENOENT:
      return "there is no such socket";
    case ECONNREFUSED:
      return is_local ? "connection refused: whoever made this socket runs no more" : "connection refused";
    case EAGAIN:
      return "it is too busy to take connections";
    case ETIMEDOUT:
      return "no answer";
    default:
      return posix::errno_text(error);
  }
}

}  // namespace bramble::cli
