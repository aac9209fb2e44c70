// A LineHand with its reports, awaited.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <thread>

#include "aggregator/power/line_hand.hpp"

namespace bramble::rig {

using namespace bramble::aggregator;

inline bool eventually(const std::function<bool()>& is) {
  for (int i = 0; i < 6000; ++i) {
    if (is()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // sysfs tells nobody
  }
  return false;
}

class Hand {
 public:
  explicit Hand(const std::vector<LineConfig>& lines) {
    hand_ = std::make_unique<LineHand>(lines, [this](LineReport report) {
      const std::lock_guard lock(mutex_);
      reports_.push_back(std::move(report));
      changed_.notify_all();
    });
  }

  LineReport done(LineAction action, LineIndex line = 0, int64_t press_ms = 0) {
    start(action, line, press_ms);
    return wait([number = number_](const LineReport& report) { return report.number == number; });
  }
  void start(LineAction action, LineIndex line = 0, int64_t press_ms = 0) {
    hand_->add({{++number_, line, action, press_ms}});
  }
  LineReport seen() {
    return wait([](const LineReport& report) { return !report.number; });
  }

 private:
  // Takes the first that fits.
  LineReport wait(const std::function<bool(const LineReport&)>& fits) {
    std::unique_lock lock(mutex_);
    LineReport found;
    const bool came = changed_.wait_for(lock, std::chrono::seconds(30), [&] {
      const auto at = std::find_if(reports_.begin(), reports_.end(), fits);
      if (at == reports_.end()) return false;
      found = *at;
      reports_.erase(at);
      return true;
    });
    EXPECT_TRUE(came) << "no such report came";
    return found;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<LineReport> reports_;
  uint64_t number_ = 0;
  std::unique_ptr<LineHand> hand_;
};

}  // namespace bramble::rig
