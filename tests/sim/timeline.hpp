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

}  // namespace bramble::sim
