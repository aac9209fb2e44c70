// What the aggregator says about work: launch, cancel, recall, done. Every answer may be given again.
#include <algorithm>

#include "agent/core/internal.hpp"

namespace bramble::agent {
namespace {

constexpr const char* kRevoked = "revoked";

// Why this node can never run it, or empty.
std::string excess(const Config& config, const wire::TaskSpec& spec) {
  if (spec.cpus > config.slots) {
    return "it needs " + std::to_string(spec.cpus) + " cpus, this node has " + std::to_string(config.slots);
  }
  if (config.memory_bytes != 0 && spec.memory_bytes > config.memory_bytes) {
    return "it needs " + std::to_string(spec.memory_bytes) + " bytes of memory, this node has " +
           std::to_string(config.memory_bytes);
  }
  for (const auto& [name, amount] : spec.resources) {
    const auto have = config.resources.find(name);
    if (amount > (have == config.resources.end() ? 0 : have->second)) {
      return "it needs " + std::to_string(amount) + " of resource " + name + ", this node has " +
             std::to_string(have == config.resources.end() ? 0 : have->second);
    }
  }
  return {};
}

std::string reason_to_refuse(const State& state, const AttemptKey& id, const wire::TaskSpec& spec) {
  if (state.tasks.revoked.find(id)) return kRevoked;
  if (state.tasks.done.find(id)) return "it ended here before and its result was taken";
  return excess(state.config, spec);
}

// The attempt is held: says again how far it is.
void tell_again(State& state, const AttemptKey& id, Attempt& attempt) {
  if (attempt.phase == Phase::running && attempt.event == 0) {
    attempt.event = add_event(state, {.type = wire::EventType::started, .id = id});
  } else if (attempt.event != 0) {
    send_again(state, attempt.event);
  }
}

bool is_unstarted(const Attempt& attempt) { return attempt.phase == Phase::fetching || attempt.phase == Phase::queued; }

// Answers for an attempt that is not here, and sees to it that a launch on its way is refused.
void answer_gone(State& state, const AttemptKey& id) {
  if (!state.tasks.done.find(id)) state.tasks.revoked.remember(id, Tasks::Revoked::never_held);
  answer(state, wire::EventType::gone, id);
}

}  // namespace

void launch(State& state, Effects& effects, Now, const wire::Launch& launch, SpecPtr spec) {
  Tasks& tasks = state.tasks;
  if (const auto held = tasks.held.find(launch.id); held != tasks.held.end()) {
    answer(state, wire::EventType::taken, launch.id);
    return tell_again(state, launch.id, held->second);
  }
  // Left without an answer: it will be repeated, perhaps with its job's specification, and when there is room.
  if (!spec || tasks.ready.size() + tasks.fetching >= state.config.max_queued) return;
  if (std::string why = reason_to_refuse(state, launch.id, *spec); !why.empty()) {
    return answer(state, wire::EventType::refused, launch.id, std::move(why));
  }
  Attempt& attempt = tasks.held[launch.id];
  attempt.order = ++tasks.last_order;
  attempt.spec = std::move(spec);
  begin_lease(state, attempt);
  answer(state, wire::EventType::taken, launch.id);
  attempt.phase = Phase::fetching;
  ++tasks.fetching;
  hold_blobs(state, effects, launch.id, attempt, launch);
}

void make_ready_to_start(State& state, const AttemptKey& id, Attempt& attempt) {
  --state.tasks.fetching;
  attempt.phase = Phase::queued;
  state.tasks.ready.emplace(attempt.order, id);
}

void cancel(State& state, Effects& effects, Now now, const AttemptKey& id) {
  const auto held = state.tasks.held.find(id);
  if (held == state.tasks.held.end()) return answer_gone(state, id);
  Attempt& attempt = held->second;
  if (is_unstarted(attempt)) {
    return finish_unstarted(state, effects, now, id, wire::Outcome::cancelled, "cancelled before it started");
  }
  if (attempt.phase == Phase::finished) return tell_again(state, id, attempt);
  attempt.cancelled = true;
  kill_if_cancelled(state, effects, id, attempt);
}

void recall(State& state, Effects& effects, Now, const AttemptKey& id) {
  Tasks& tasks = state.tasks;
  const auto held = tasks.held.find(id);
  if (held == tasks.held.end()) {
    const bool returned = tasks.revoked.find(id) == Tasks::Revoked::returned;
    return returned ? answer(state, wire::EventType::returned, id) : answer_gone(state, id);
  }
  Attempt& attempt = held->second;
  if (!is_unstarted(attempt)) return tell_again(state, id, attempt);
  take_out_of_phase(state, attempt);
  release_blobs(state, effects, id, attempt);
  if (has_lease(attempt)) --state.lease.attempts;
  tasks.held.erase(held);
  tasks.revoked.remember(id, Tasks::Revoked::returned);
  answer(state, wire::EventType::returned, id);
}

void forget_done(State& state, const AttemptKey& id) {
  Tasks& tasks = state.tasks;
  const auto held = tasks.held.find(id);
  if (held == tasks.held.end() || held->second.phase != Phase::finished) return;
  Attempt& attempt = held->second;
  drop_event(state, attempt.event);
  take_out_of_phase(state, attempt);
  if (attempt.in_warden) tasks.to_forget.push_back(warden_task(state, id));
  for (const wire::Stream stream : {wire::Stream::stdout_, wire::Stream::stderr_}) state.wants.erase({id, stream});
  tasks.held.erase(held);
  tasks.done.remember(id, true);
}

bool spool_is_full(const State& state) {
  return state.tasks.spool_bytes >= state.config.max_spool_bytes ||
         state.tasks.spool_attempts >= state.config.max_spool_attempts;
}

}  // namespace bramble::agent
