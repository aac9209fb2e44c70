// When a batch is given up whose kernel only dies. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/clock.hpp"

namespace bramble::warden {

// One that reads a call and dies is killed by that call, and the next may be well: all are tried, each costing a start,
// for some time. One that reads nothing would never begin.
class FruitlessDeaths {
 public:
  static constexpr uint32_t kMaxInRow = 20;          // at least so many, in either case
  static constexpr int64_t kMaxMs = 10 * 60 * 1000;  // without an answer, where calls were read

  explicit FruitlessDeaths(MonoTime now = {}) : since_(now) {}

  void answered(MonoTime now) { *this = FruitlessDeaths(now); }

  void died(bool had_read) {
    ++in_row_;
    unread_in_row_ = had_read ? 0 : unread_in_row_ + 1;
  }

  // Why the rest is not tried; nothing: it is.
  std::optional<std::string> hopeless(MonoTime now) const {
    if (unread_in_row_ >= kMaxInRow) {
      return "the kernel ended " + std::to_string(unread_in_row_) + " times in a row before it read a call";
    }
    if (in_row_ < kMaxInRow || now - since_ < kMaxMs) return std::nullopt;
    return "the kernel ended " + std::to_string(in_row_) + " times in a row, in " +
           std::to_string((now - since_) / 60'000) + " minutes without an answer";
  }

 private:
  MonoTime since_;  // the last answer
  uint32_t in_row_ = 0;
  uint32_t unread_in_row_ = 0;
};

}  // namespace bramble::warden
