// Notices when nobody ran: then what was late was not lost.
#pragma once

#include <chrono>
#include <stop_token>
#include <thread>
#include <vector>

#include "history.hpp"

namespace bramble::test::chaos {

class StallWatch {
 public:
  StallWatch() : thread_([this](const std::stop_token& stop) { watch(stop); }) {}
  std::vector<Fault> stop() {
    thread_.request_stop();
    thread_.join();
    return std::move(stalls_);
  }

 private:
  static constexpr int64_t kStepMs = 50;
  static constexpr int64_t kLateMs = 300;

  void watch(const std::stop_token& stop) {
    int64_t last_ns = boot_ns();
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(kStepMs));
      const int64_t now_ns = boot_ns();
      if (now_ns - last_ns > kLateMs * kNsPerMs) stalls_.push_back({FaultKind::machine_stalled, "", last_ns, now_ns});
      last_ns = now_ns;
    }
  }

  std::vector<Fault> stalls_;
  std::jthread thread_;
};

}  // namespace bramble::test::chaos
