#include "aggregator/cli/reconnect.hpp"
#include "common/base/duration.hpp"

#include <algorithm>

namespace bramble::cli {
namespace {

constexpr int64_t kFirstWaitMs = 100;
constexpr int64_t kLongestWaitMs = 2'000;
constexpr int64_t kLookEveryMs = 5'000;
constexpr int64_t kSayAfterMs = 300;  // a restart that nobody would notice is not worth a line

// A quarter of what was waited for already: grows by itself, however many threads ask.
int64_t back_off(int64_t waited_ms) { return std::clamp(waited_ms / 4, kFirstWaitMs, kLongestWaitMs); }

}  // namespace

void Reconnect::reached() {
  const std::lock_guard lock(mutex_);
  ever_reached_ = true;
  lost_since_.reset();
  if (said_) console_.say("the aggregator answers again");
  said_ = false;
}

std::optional<int64_t> Reconnect::lost(MonoTime now) {
  const std::lock_guard lock(mutex_);
  if (!ever_reached_ || give_up_ms_ == 0) return std::nullopt;
  if (!lost_since_) lost_since_ = now;
  const int64_t waited_ms = now - *lost_since_;
  if (waited_ms >= give_up_ms_) return std::nullopt;
  if (!said_ && waited_ms >= kSayAfterMs) {
    console_.say("the aggregator does not answer: trying again for " + format_duration(give_up_ms_));
    said_ = true;
  }
  return std::min(back_off(waited_ms), give_up_ms_ - waited_ms);
}

std::optional<int64_t> Reconnect::busy(MonoTime since, MonoTime now) const {
  const int64_t waited_ms = now - since;
  if (waited_ms >= give_up_ms_) return std::nullopt;
  return back_off(waited_ms);
}

bool Reconnect::look_due(MonoTime now) {
  const std::lock_guard lock(mutex_);
  if (looked_ && now - *looked_ < kLookEveryMs) return false;
  looked_ = now;
  return true;
}

void Reconnect::say_hold_ups(const std::vector<std::string>& sentences) {
  const std::lock_guard lock(mutex_);
  for (const std::string& sentence : sentences) {
    if (held_up_.insert(sentence).second) console_.say(sentence);
  }
}

}  // namespace bramble::cli
