// The agent's side of the warden's socket: connects, cuts the stream into reports, and connects again by itself.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/posix/event_loop.hpp"
#include "common/posix/unique_fd.hpp"
#include "common/wire/frame.hpp"
#include "common/wire/warden_messages.hpp"

namespace bramble::runner {

// Called in the loop's thread. All reports that one reading brought come in one call.
struct WardenHandlers {
  std::function<void()> on_connected;
  std::function<void(std::string why)> on_lost;  // also: an attempt to connect failed
  std::function<void(std::vector<wire::WardenReport> reports)> on_reports;
};

// Belongs to the loop's thread, and must end before the loop does.
class WardenClient {
 public:
  WardenClient(posix::EventLoop& loop, std::string socket_path, WardenHandlers handlers);
  ~WardenClient();
  WardenClient(const WardenClient&) = delete;
  WardenClient& operator=(const WardenClient&) = delete;

  void start();

  // Takes requests until flush() writes them in one go; without a connection they are dropped.
  void send(const wire::WardenRequest& request);
  void flush();

 private:
  void connect();
  void connect_later();
  void lose(std::string why);
  void on_ready(uint32_t events);
  void read_reports();
  Result<std::vector<wire::WardenReport>> take_frames();

  posix::EventLoop& loop_;
  const std::string socket_path_;
  const WardenHandlers handlers_;
  posix::UniqueFd socket_;
  wire::FrameReader reader_{wire::kMaxWardenFrameBytes};
  std::string unsent_;
  bool waits_to_write_ = false;
  int64_t backoff_ms_;
  posix::EventLoop::TimerId retry_ = 0;
  bool retry_set_ = false;
};

}  // namespace bramble::runner
