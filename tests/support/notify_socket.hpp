// systemd's end of NOTIFY_SOCKET, as a test holds it.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <string>

#include "common/posix/unique_fd.hpp"

namespace bramble::test {

class NotifySocket {
 public:
  explicit NotifySocket(std::string path) : path_(std::move(path)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) throw std::runtime_error("too long for a socket: " + path_);
    std::memcpy(address.sun_path, path_.data(), path_.size());
    if (!fd_ || ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("cannot make the socket " + path_);
    }
  }

  const std::string& name() const { return path_; }
  int fd() const { return fd_.get(); }

  // The next message that is there; empty: none.
  std::string take() {
    std::array<char, 4096> bytes{};
    const ssize_t size = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    return size > 0 ? std::string(bytes.data(), static_cast<size_t>(size)) : std::string();
  }

  // Everything that comes until a message has `text` in it.
  std::string wait_for(const std::string& text, int limit_ms = 60'000) {
    std::string heard;
    while (true) {
      pollfd readable{fd_.get(), POLLIN, 0};
      if (::poll(&readable, 1, limit_ms) != 1) throw std::runtime_error("not told: " + text + "; but: " + heard);
      const std::string message = take();
      heard += message;
      if (message.find(text) != std::string::npos) return heard;
    }
  }

 private:
  const std::string path_;
  posix::UniqueFd fd_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
};

}  // namespace bramble::test
