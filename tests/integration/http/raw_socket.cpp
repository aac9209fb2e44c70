#include "integration/http/raw_socket.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace bramble::test {
namespace {

constexpr int kPatienceMs = 20'000;
constexpr int kStuckMs = 300;

bool wait_for(int fd, short events, int limit_ms) {
  pollfd entry{fd, events, 0};
  return ::poll(&entry, 1, limit_ms) > 0;
}

template <typename Address>
posix::UniqueFd connect_to(const Address& address, int family) {
  posix::UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ADD_FAILURE() << "cannot connect: " << std::strerror(errno);
  }
  return fd;
}

}  // namespace

RawSocket RawSocket::to_path(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return RawSocket(connect_to(address, AF_UNIX));
}

RawSocket RawSocket::to_port(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return RawSocket(connect_to(address, AF_INET));
}

void RawSocket::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      ADD_FAILURE() << "the server took no more: " << std::strerror(errno);
      return;
    }
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

size_t RawSocket::send_until_stuck(std::string_view bytes) const {
  const size_t total = bytes.size();
  while (!bytes.empty() && wait_for(fd_.get(), POLLOUT, kStuckMs)) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) continue;
    if (sent <= 0) break;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return total - bytes.size();
}

void RawSocket::shut_down_sending() const { ::shutdown(fd_.get(), SHUT_WR); }

bool RawSocket::has_reply() const { return wait_for(fd_.get(), POLLIN, 0); }

std::string RawSocket::read_until(std::string_view end) const {
  std::string got;
  std::array<char, 4096> buffer{};
  while (end.empty() || got.find(end) == std::string::npos) {
    if (!wait_for(fd_.get(), POLLIN, kPatienceMs)) {
      ADD_FAILURE() << "the server says nothing more after: " << got;
      break;
    }
    const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0) break;
    got.append(buffer.data(), static_cast<size_t>(size));
  }
  return got;
}

}  // namespace bramble::test
