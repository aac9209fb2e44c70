// Tells systemd how a daemon fares: that it is ready, that its loop still turns, and in one line what it does
// (`systemctl status`). The protocol is sd_notify(3)'s, a datagram to NOTIFY_SOCKET; libsystemd would cost an agent
// more memory than the rest of this.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/posix/event_loop.hpp"

namespace bramble::posix {

// Belongs to the loop's thread. Where systemd did not start this process it does nothing.
class ServiceNotifier {
 public:
  static constexpr int64_t kStatusMs = 5000;  // how often the line is looked at, at least

  // Takes what systemd says out of the environment, for the children's sake, and puts it back in the end, for the
  // notifier that comes after it: there must be no other thread then. The loop must outlive it.
  ServiceNotifier(EventLoop& loop, std::function<std::string()> status_line);
  ~ServiceNotifier();
  ServiceNotifier(const ServiceNotifier&) = delete;
  ServiceNotifier& operator=(const ServiceNotifier&) = delete;

  // The start is over. From now on the loop's timer feeds systemd's watchdog and tells the line when it has changed.
  void ready();
  // Before anything that takes time at the end; the watchdog is fed no more.
  void stopping();

 private:
  void look();
  std::string changed_status();
  void send(const std::string& text);

  EventLoop& loop_;
  const std::function<std::string()> status_line_;
  const std::vector<std::pair<std::string, std::string>> taken_;  // from the environment
  std::string socket_;                                            // empty: nobody listens
  bool feeds_watchdog_ = false;
  int64_t interval_ms_ = kStatusMs;
  EventLoop::TimerId timer_ = 0;
  std::string last_status_;
};

}  // namespace bramble::posix
