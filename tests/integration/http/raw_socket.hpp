// Bytes to and from a server, for requests that no client library would send.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/posix/unique_fd.hpp"

namespace bramble::test {

class RawSocket {
 public:
  static RawSocket to_path(const std::string& path);
  static RawSocket to_port(uint16_t port);

  void send(std::string_view bytes) const;  // all of them; a failure of the test where the server does not take them
  // As much as the server takes; ends when it takes no more for a while, or everything is sent.
  size_t send_until_stuck(std::string_view bytes) const;
  bool has_reply() const;                              // something to read, right now
  std::string read_until(std::string_view end) const;  // or until the server closes, or 20 s are over
  std::string read_all() const { return read_until(std::string_view()); }
  void shut_down_sending() const;
  void close() { fd_.reset(); }

 private:
  explicit RawSocket(posix::UniqueFd fd) : fd_(std::move(fd)) {}

  posix::UniqueFd fd_;
};

}  // namespace bramble::test
