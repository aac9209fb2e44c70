// An attempt's way from the queue through the warden to its result, and the room that it takes meanwhile.
#include <algorithm>
#include <iterator>

#include "agent/core/internal.hpp"

namespace bramble::agent {
namespace {

constexpr size_t kMaxResultTextBytes = 4096;
constexpr size_t kMaxForgetsInRequest = 1024;

uint64_t cpus_of(const wire::TaskSpec& spec) { return std::max<uint32_t>(spec.cpus, 1); }

bool fits(const State& state, const wire::TaskSpec& spec) {
  const Usage& used = state.tasks.used;
  if (used.cpus + cpus_of(spec) > state.config.slots) return false;
  if (state.warden.slots != 0 && used.attempts >= state.warden.slots) return false;
  if (state.config.memory_bytes != 0 && used.memory_bytes + spec.memory_bytes > state.config.memory_bytes) return false;
  return std::all_of(spec.resources.begin(), spec.resources.end(), [&](const auto& wanted) {
    const auto have = state.config.resources.find(wanted.first);
    const auto taken = used.resources.find(wanted.first);
    return wanted.second + (taken == used.resources.end() ? 0 : taken->second) <=
           (have == state.config.resources.end() ? 0 : have->second);
  });
}

void take_room(Usage& used, const wire::TaskSpec& spec) {
  used.cpus += cpus_of(spec);
  used.memory_bytes += spec.memory_bytes;
  for (const auto& [name, amount] : spec.resources) used.resources[name] += amount;
  ++used.attempts;
}

void give_room(Usage& used, const wire::TaskSpec& spec) {
  used.cpus -= cpus_of(spec);
  used.memory_bytes -= spec.memory_bytes;
  for (const auto& [name, amount] : spec.resources) {
    if ((used.resources[name] -= amount) == 0) used.resources.erase(name);
  }
  --used.attempts;
}

void start_attempt(State& state, Effects& effects, const AttemptKey& id, Attempt& attempt) {
  take_out_of_phase(state, attempt);
  attempt.phase = Phase::starting;
  attempt.in_warden = true;
  take_room(state.tasks.used, *attempt.spec);
  wire::WardenStart request{warden_task(state, id), *attempt.spec, {}};
  for_each_file(attempt, [&](const wire::InputFile& file) {
    request.files.push_back({file.name, blob_path(state, file.blob)});
  });
  request.spec.files.clear();
  request.spec.env = task_environment(state.config, id, *attempt.spec);
  request.heard_ms = heard_ms(state, attempt);
  if (!attempt.stdin_sha256.empty()) request.stdin_path = state.config.blob_dir + "/" + attempt.stdin_sha256;
  effects.warden.emplace_back(std::move(request));
}

void add_to_spool(Tasks& tasks, const wire::Finished& result) {
  tasks.spool_bytes += result.out.kept_bytes + result.err.kept_bytes;
  ++tasks.spool_attempts;
}

void drop_stream_events(State& state, Attempt& attempt) {
  for (StreamProgress& progress : attempt.streams) drop_event(state, progress.event);
}

}  // namespace

// The head of the queue is never overtaken, so nothing starves.
void start_tasks(State& state, Effects& effects, Now now) {
  if (state.warden.hold_until && *state.warden.hold_until <= now.mono) state.warden.hold_until.reset();
  if (!state.warden.synced || state.stopping || state.warden.hold_until || spool_is_full(state)) return;
  end_leases(state, effects, now);  // what may count as dead already must not begin
  auto& ready = state.tasks.ready;
  while (!ready.empty()) {
    const AttemptKey id = ready.begin()->second;
    Attempt& attempt = state.tasks.held.at(id);
    if (!fits(state, *attempt.spec)) return;
    start_attempt(state, effects, id, attempt);
  }
}

void take_out_of_phase(State& state, Attempt& attempt) {
  Tasks& tasks = state.tasks;
  switch (attempt.phase) {
    case Phase::fetching:
      --tasks.fetching;
      break;
    case Phase::queued:
      tasks.ready.erase(attempt.order);
      break;
    case Phase::starting:
    case Phase::running:
      give_room(tasks.used, *attempt.spec);
      break;
    case Phase::finished:
      tasks.spool_bytes -= attempt.result->out.kept_bytes + attempt.result->err.kept_bytes;
      --tasks.spool_attempts;
      break;
  }
}

void mark_running(State& state, Effects& effects, Now now, const AttemptKey& id, Attempt& attempt) {
  if (attempt.phase == Phase::running || attempt.phase == Phase::finished) return;
  take_out_of_phase(state, attempt);
  take_room(state.tasks.used, *attempt.spec);
  attempt.phase = Phase::running;
  attempt.in_warden = true;
  attempt.energy.since = now.mono;
  attempt.event = add_event(state, {.type = wire::EventType::started, .id = id});
  kill_if_cancelled(state, effects, id, attempt);
}

// The warden does not have it after all.
void back_to_queue(State& state, Effects& effects, Now now, const AttemptKey& id, Attempt& attempt) {
  if (attempt.cancelled) {
    return finish_unstarted(state, effects, now, id, wire::Outcome::cancelled, "cancelled before it started");
  }
  take_out_of_phase(state, attempt);
  attempt.phase = Phase::queued;
  attempt.in_warden = false;
  state.tasks.ready.emplace(attempt.order, id);
}

void kill_if_cancelled(State& state, Effects& effects, const AttemptKey& id, Attempt& attempt) {
  if (!attempt.cancelled || attempt.kill_sent || !state.warden.connected) return;
  attempt.kill_sent = true;
  effects.warden.emplace_back(wire::WardenKill{warden_task(state, id), wire::Outcome::cancelled});
}

void finish(State& state, Effects& effects, Now now, const AttemptKey& id, Attempt& attempt, wire::Finished result) {
  if (attempt.phase == Phase::finished) return;
  charge_finished(state, now, attempt, result);
  take_out_of_phase(state, attempt);
  drop_stream_events(state, attempt);
  drop_event(state, attempt.event);
  release_blobs(state, effects, id, attempt);
  if (has_lease(attempt)) --state.lease.attempts;
  attempt.spec.reset();
  result.text = shortened(result.text, kMaxResultTextBytes);
  add_to_spool(state.tasks, result);
  attempt.phase = Phase::finished;
  attempt.result = std::move(result);
  attempt.event = add_event(state, {.type = wire::EventType::finished, .id = id});
  state.warden.hold_until.reset();
}

void finish_unstarted(State& state, Effects& effects, Now now, const AttemptKey& id, wire::Outcome outcome,
                      std::string text) {
  wire::Finished result;
  result.outcome = outcome;
  result.text = std::move(text);
  result.started_wall_ms = now.wall.ms;
  Attempt& attempt = state.tasks.held.at(id);
  attempt.in_warden = false;
  finish(state, effects, now, id, attempt, std::move(result));
}

// In no hurry: a forget of its own would wake the warden once more for each task. What cannot be said now is said when
// the warden lists it again.
void forget_in_warden(State& state, Effects& effects, Now now) {
  Tasks& tasks = state.tasks;
  if (!state.warden.connected) tasks.to_forget.clear();
  if (tasks.to_forget.empty()) return tasks.forget_at.reset();
  if (!tasks.forget_at) tasks.forget_at = now.mono + kForgetMs;
  const bool now_is_good = !effects.warden.empty() || tasks.to_forget.size() >= kMaxForgetsInRequest;
  if (!now_is_good && now.mono < *tasks.forget_at) return;
  tasks.forget_at.reset();
  while (!tasks.to_forget.empty()) {
    const size_t count = std::min(tasks.to_forget.size(), kMaxForgetsInRequest);
    const auto end = tasks.to_forget.begin() + static_cast<std::ptrdiff_t>(count);
    effects.warden.emplace_back(
        wire::WardenForget{{std::make_move_iterator(tasks.to_forget.begin()), std::make_move_iterator(end)}});
    tasks.to_forget.erase(tasks.to_forget.begin(), end);
  }
}

}  // namespace bramble::agent
