#include "agent/warden/channel.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "common/posix/error.hpp"

namespace bramble::warden {

Result<std::vector<std::string>> Channel::receive() {
  std::array<char, 16 << 10> buffer;  // not cleared: most messages are small
  const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got == 0) return fail(ErrorCode::unavailable, "the other side closed the connection");
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return std::vector<std::string>{};
    return posix::system_failure("cannot read", errno);
  }
  reader_.add({buffer.data(), static_cast<size_t>(got)});
  std::vector<std::string> frames;
  while (true) {
    auto frame = reader_.next();
    if (!frame) return tl::unexpected(frame.error());
    if (!*frame) return frames;
    frames.push_back(std::move(**frame));
  }
}

Status Channel::queue(std::string_view payload) {
  if (unsent_.size() - sent_ + payload.size() > max_waiting_bytes_) {
    return fail(ErrorCode::limit, "the other side does not read");
  }
  unsent_ += wire::make_frame(payload);
  return {};
}

Status Channel::flush() {
  while (waiting()) {
    const ssize_t sent =
        ::send(socket_.get(), unsent_.data() + sent_, unsent_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return {};
    if (sent < 0) return posix::system_failure("cannot write", errno);
    sent_ += static_cast<size_t>(sent);
  }
  unsent_.clear();
  sent_ = 0;
  return {};
}

}  // namespace bramble::warden
