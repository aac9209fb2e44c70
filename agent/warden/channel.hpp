// Frames over a non-blocking stream socket, both ways: warden and agent, warden and keeper.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/posix/unique_fd.hpp"
#include "common/wire/frame.hpp"
#include "common/wire/warden_messages.hpp"

namespace bramble::warden {

class Channel {
 public:
  // Above max_waiting_bytes of unsent frames the other side counts as stuck.
  Channel(posix::UniqueFd socket, size_t max_waiting_bytes)
      : socket_(std::move(socket)), max_waiting_bytes_(max_waiting_bytes) {}

  int fd() const { return socket_.get(); }

  // One read; the frames that it completed. An error: the other side is gone or breaks the protocol; close.
  Result<std::vector<std::string>> receive();

  // Queued until flush(). An error: too much waits already.
  Status queue(std::string_view payload);
  // Sends what the socket takes, in one go. An error: the other side is gone.
  Status flush();
  bool waiting() const { return sent_ < unsent_.size(); }

 private:
  posix::UniqueFd socket_;
  size_t max_waiting_bytes_;
  wire::FrameReader reader_{wire::kMaxWardenFrameBytes};
  std::string unsent_;
  size_t sent_ = 0;  // bytes at the front of unsent_ that are gone already
};

}  // namespace bramble::warden
