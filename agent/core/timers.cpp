// When the reactor must be called again at the latest.
#include <algorithm>

#include "agent/core/internal.hpp"

namespace bramble::agent {
namespace {

constexpr int64_t kIdleMs = 60'000;

MonoTime next_pull_timeout(const State& state, Now now, MonoTime wake) {
  if (state.session.id == 0) return wake;
  for (const std::string& sha256 : state.blobs.active) {
    const Blob& blob = state.blobs.known.at(sha256);
    if (blob.phase == Blob::Phase::pulling) wake = std::min(wake, blob.progress + kRepeatMs);
  }
  if (!state.blobs.waiting.empty() && state.blobs.active.size() < kMaxBlobPulls) {
    const auto next = state.blobs.known.find(state.blobs.waiting.front());
    if (next != state.blobs.known.end() && next->second.not_before > now.mono) {
      wake = std::min(wake, next->second.not_before);
    }
  }
  return wake;
}

}  // namespace

MonoTime next_due(MonoTime last_due, int64_t interval_ms, Now now) {
  const MonoTime next = last_due + interval_ms;
  return next > now.mono ? next : now.mono + interval_ms;
}

MonoTime next_wake(const State& state, Now now) {
  MonoTime wake = now.mono + kIdleMs;
  if (state.stopping) return wake;
  wake = next_backfill(state, now, next_sample(state, wake));
  if (state.link.retry_at) wake = std::min(wake, *state.link.retry_at);
  if (state.link.phase == Link::Phase::up) {
    wake = std::min(wake, state.session.next_beat);
    if (state.bulk.retry_at) wake = std::min(wake, *state.bulk.retry_at);
  }
  if (state.session.id != 0 && !state.outbox.in_flight.empty()) {
    wake = std::min(wake, state.outbox.in_flight.front().first + kRepeatMs);
  }
  if (has_events_to_send(state) && state.outbox.last_message) {
    const MonoTime gathered = *state.outbox.last_message + kGatherMs;
    if (gathered > now.mono) wake = std::min(wake, gathered);  // else the window is full: an answer opens it
  }
  wake = next_lease_end(state, wake);
  wake = next_telling(state, wake);
  if (state.tasks.forget_at) wake = std::min(wake, *state.tasks.forget_at);
  if (state.warden.hold_until) wake = std::min(wake, *state.warden.hold_until);
  // Whatever is due already was looked at in this batch: a time that has passed must not make the loop spin.
  return std::max(next_pull_timeout(state, now, wake), now.mono + 1);
}

}  // namespace bramble::agent
