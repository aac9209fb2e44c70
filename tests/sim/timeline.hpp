// The simulator's clock: everything that will happen, in order of time and, at one time, in order of being planned.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "common/base/clock.hpp"

namespace bramble::sim {

class Timeline {
 public:
  Now now() const { return {{now_ms_}, {1'700'000'000'000 + now_ms_}}; }

  void after(int64_t delay_ms, std::function<void()> what) {
    plan_.push({now_ms_ + delay_ms, ++planned_, std::move(what)});
  }

  // Does the next thing; false when it lies beyond `until_ms`.
  bool step(int64_t until_ms) {
    if (plan_.empty() || plan_.top().at_ms > until_ms) {
      now_ms_ = until_ms;
      return false;
    }
    const auto what = plan_.top().what;
    now_ms_ = plan_.top().at_ms;
    plan_.pop();
    what();
    return true;
  }

  int64_t now_ms() const { return now_ms_; }

 private:
  struct Planned {
    int64_t at_ms;
    uint64_t number;
    std::function<void()> what;

    bool operator<(const Planned& other) const {
      return at_ms != other.at_ms ? at_ms > other.at_ms : number > other.number;
    }
  };

  int64_t now_ms_ = 1000;
  uint64_t planned_ = 0;
  std::priority_queue<Planned> plan_;
};

// A machine's clocks: the monotonic one runs a little fast or slow, the wall clock may jump.
class MachineClock {
 public:
  MachineClock(const Timeline& timeline, int64_t drift_ppm, int64_t offset_ms)
      : timeline_(timeline), drift_ppm_(drift_ppm), offset_ms_(offset_ms) {}

  Now now() const {
    const int64_t real_ms = timeline_.now_ms();
    return {{offset_ms_ + real_ms + real_ms * drift_ppm_ / 1'000'000}, {1'700'000'000'000 + real_ms + wall_shift_ms_}};
  }
  // How long the world waits until `at` stands on this clock.
  int64_t until(MonoTime at) const {
    const int64_t by_clock = at - now().mono;
    return by_clock <= 0 ? 0 : by_clock * 1'000'000 / (1'000'000 + drift_ppm_) + 1;
  }
  void jump_wall(int64_t by_ms) { wall_shift_ms_ += by_ms; }

 private:
  const Timeline& timeline_;
  const int64_t drift_ppm_;
  const int64_t offset_ms_;
  int64_t wall_shift_ms_ = 0;
};

}  // namespace bramble::sim
