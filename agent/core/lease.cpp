// The lease, as the agent sees it. It is counted from when the answered beat was sent (common/base/lease.hpp), and ends
// once and for all: a word that comes after its end begins a new one, for attempts that are launched from then on.
// Before the first word, an attempt's lease counts from the birth of the connection that brought it: the aggregator
// heard that.
#include "common/base/lease.hpp"

#include <algorithm>

#include "agent/core/internal.hpp"

namespace bramble::agent {
namespace {

MonoTime base_of(const State& state, const Attempt& attempt) {
  return std::max(state.lease.heard.value_or(MonoTime{}), attempt.leased_from);
}

// Of one that an earlier run of the agent started nothing is known before the first word: the warden knows.
bool is_over(const State& state, Now now, const Attempt& attempt) {
  const MonoTime base = base_of(state, attempt);
  return has_lease(attempt) && base.ms > 0 && now.mono >= lease_end(base, attempt.spec->lease_ms);
}

void end_lease(State& state, Effects& effects, Now now, const AttemptKey& id) {
  const Attempt& attempt = state.tasks.held.at(id);
  if (attempt.phase == Phase::fetching || attempt.phase == Phase::queued) {
    return finish_unstarted(state, effects, now, id, wire::Outcome::lease_ended,
                            "its lease ended before it began: the aggregator was not heard of");
  }
  // The warden does so by itself at that moment. Said for one that hung then and wakes up later.
  effects.warden.emplace_back(wire::WardenKill{warden_task(state, id), wire::Outcome::lease_ended});
}

}  // namespace

void begin_lease(State& state, Attempt& attempt) {
  if (!has_lease(attempt)) return;
  attempt.leased_from = std::max(state.session.connected, state.lease.heard.value_or(MonoTime{}));
  ++state.lease.attempts;
}

int64_t heard_ms(const State& state, const Attempt& attempt) {
  return has_lease(attempt) ? base_of(state, attempt).ms : 0;
}

void end_leases(State& state, Effects& effects, Now now) {
  if (state.lease.attempts == 0) return;
  std::vector<AttemptKey> over;
  for (const auto& [id, attempt] : state.tasks.held) {
    if (is_over(state, now, attempt) && !attempt.lease_ended) over.push_back(id);
  }
  for (const AttemptKey& id : over) {
    state.tasks.held.at(id).lease_ended = true;
    end_lease(state, effects, now, id);
  }
}

// First the end of what was slept through, then the beginning of the new.
void handle_echo(State& state, Effects& effects, Now now, const wire::Echo& echo) {
  end_leases(state, effects, now);
  const MonoTime sent{echo.sent_ms};
  if (sent > now.mono || (state.lease.heard && sent <= *state.lease.heard)) return;
  state.lease.heard = sent;
  if (state.lease.attempts > 0 && state.warden.connected) effects.warden.emplace_back(wire::WardenLease{sent.ms});
}

MonoTime next_lease_end(const State& state, MonoTime wake) {
  if (state.lease.attempts == 0) return wake;
  for (const auto& [id, attempt] : state.tasks.held) {
    const MonoTime base = base_of(state, attempt);
    if (!has_lease(attempt) || attempt.lease_ended || base.ms == 0) continue;
    wake = std::min(wake, lease_end(base, attempt.spec->lease_ms));
  }
  return wake;
}

}  // namespace bramble::agent
