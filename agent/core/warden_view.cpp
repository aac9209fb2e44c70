// What the warden reports, and the comparison of its list with what the agent believes.
#include <set>
#include <type_traits>

#include "agent/core/internal.hpp"

namespace bramble::agent {
namespace {

constexpr size_t kMaxListed = 65536;
constexpr int64_t kWardenPingMs = 10'000;
constexpr int64_t kWardenPatienceMs = 5'000;

bool is_ours(const State& state, const wire::WardenTask& task) {
  return !state.saved.store.empty() && task.store == state.saved.store;
}

// An attempt that an earlier run of the agent started.
Attempt& adopt(State& state, const AttemptKey& id, Phase phase) {
  Attempt& attempt = state.tasks.held[id];
  attempt.phase = phase;
  attempt.order = ++state.tasks.last_order;
  attempt.in_warden = true;
  recall_charges(state, id, attempt);
  return attempt;
}

Attempt& adopt_running(State& state, const wire::WardenStarted& started) {
  wire::TaskSpec spec;
  spec.cpus = started.cpus;
  spec.memory_bytes = started.memory_bytes;
  spec.resources = started.resources;
  spec.lease_ms = started.lease_ms;
  Attempt& attempt = adopt(state, started.task.id, Phase::queued);
  attempt.spec = std::make_shared<const wire::TaskSpec>(std::move(spec));
  if (has_lease(attempt)) ++state.lease.attempts;
  attempt.energy.cpu_before_unknown = true;
  state.tasks.ready.emplace(attempt.order, started.task.id);
  return attempt;
}

void handle(State& state, Effects& effects, Now now, const wire::WardenStarted& started) {
  if (!is_ours(state, started.task)) return;
  const auto held = state.tasks.held.find(started.task.id);
  Attempt& attempt = held == state.tasks.held.end() ? adopt_running(state, started) : held->second;
  mark_running(state, effects, now, started.task.id, attempt);
}

void handle(State& state, Effects&, Now, const wire::WardenUsage& usage) {
  if (is_ours(state, usage.task)) take_usage(state, usage);
}

void handle(State&, Effects&, Now, const wire::WardenPong&) {}

void handle(State& state, Effects&, Now, const wire::WardenOutput& output) {
  if (!is_ours(state, output.task)) return;
  const auto held = state.tasks.held.find(output.task.id);
  if (held == state.tasks.held.end() || held->second.phase != Phase::running) return;
  note_growth(state, output.task.id, held->second, wire::Stream::stdout_, output.stdout_bytes);
  note_growth(state, output.task.id, held->second, wire::Stream::stderr_, output.stderr_bytes);
}

void handle(State& state, Effects& effects, Now now, wire::WardenExited& exited) {
  if (!is_ours(state, exited.task)) {
    if (!state.saved.store.empty()) state.tasks.to_forget.push_back(exited.task);  // nobody will ever ask for it
    return;
  }
  const AttemptKey& id = exited.task.id;
  const auto held = state.tasks.held.find(id);
  if (held == state.tasks.held.end() && state.tasks.done.find(id)) {
    state.tasks.to_forget.push_back(exited.task);  // it was told so before, and the word was lost
    return;
  }
  if (held != state.tasks.held.end()) return finish(state, effects, now, id, held->second, std::move(exited.result));
  Attempt& attempt = adopt(state, id, Phase::fetching);
  ++state.tasks.fetching;
  finish(state, effects, now, id, attempt, std::move(exited.result));
}

void handle(State& state, Effects& effects, Now now, const wire::WardenRefused& refused) {
  const AttemptKey& id = refused.task.id;
  const auto held = is_ours(state, refused.task) ? state.tasks.held.find(id) : state.tasks.held.end();
  if (held == state.tasks.held.end() || held->second.phase != Phase::starting) {
    say_once(state, effects, "warden refusal",
             "the warden refused a request: " + shortened(refused.why, 300) + "; more will not be reported");
    return;
  }
  if (++held->second.refusals > kMaxWardenRefusals) {
    return finish_unstarted(state, effects, now, id, wire::Outcome::start_failed,
                            "the warden refused to start it: " + refused.why);
  }
  back_to_queue(state, effects, now, id, held->second);
  state.warden.hold_until = now.mono + kWardenRetryMs;
}

// Tasks of a store that this agent has left: nobody would take their results.
void end_foreign(State& state, Effects& effects) {
  size_t count = 0;
  for (const wire::WardenStarted& started : state.warden.running) {
    if (is_ours(state, started.task)) continue;
    ++count;
    effects.warden.emplace_back(wire::WardenKill{started.task, wire::Outcome::cancelled});
  }
  for (const wire::WardenExited& exited : state.warden.exited) {
    if (is_ours(state, exited.task)) continue;
    ++count;
    state.tasks.to_forget.push_back(exited.task);
  }
  if (count == 0) return;
  effects.log.push_back("ended " + std::to_string(count) + " attempts of another aggregator's store");
}

std::set<AttemptKey> listed_attempts(const State& state) {
  std::set<AttemptKey> listed;
  for (const wire::WardenStarted& started : state.warden.running) {
    if (is_ours(state, started.task)) listed.insert(started.task.id);
  }
  for (const wire::WardenExited& exited : state.warden.exited) {
    if (is_ours(state, exited.task)) listed.insert(exited.task.id);
  }
  return listed;
}

// The warden never got the start, or has lost the attempt without a trace.
void settle_unlisted(State& state, Effects& effects, Now now, const std::set<AttemptKey>& listed) {
  for (auto& [id, attempt] : state.tasks.held) {
    if (listed.contains(id)) continue;
    if (attempt.phase == Phase::starting) back_to_queue(state, effects, now, id, attempt);
    if (attempt.phase != Phase::running) continue;
    finish_unstarted(state, effects, now, id, wire::Outcome::warden_lost, "the warden does not know it any more");
  }
}

void compare_with_list(State& state, Effects& effects, Now now) {
  const std::set<AttemptKey> listed = listed_attempts(state);
  for (const wire::WardenStarted& started : state.warden.running) handle(state, effects, now, started);
  for (wire::WardenExited& exited : state.warden.exited) handle(state, effects, now, exited);
  settle_unlisted(state, effects, now, listed);
  end_foreign(state, effects);
  for (auto& [id, attempt] : state.tasks.held) {
    if (attempt.phase == Phase::running) kill_if_cancelled(state, effects, id, attempt);
  }
  state.warden.running = {};
  state.warden.exited = {};
  state.warden.synced = true;
}

void say_about(State& state, Effects& effects, const wire::WardenState& list) {
  if (list.slots < state.config.slots) {
    say_once(state, effects, "warden slots",
             "the warden runs fewer tasks at once (" + std::to_string(list.slots) + ") than this agent has slots (" +
                 std::to_string(state.config.slots) + "): give both the same number");
  }
  if (list.note.empty() || list.note == state.warden.said_note) return;
  state.warden.said_note = list.note;
  effects.log.push_back("warden: " + shortened(list.note, 500));
}

void handle(State& state, Effects& effects, Now now, wire::WardenState& list) {
  WardenView& warden = state.warden;
  if (list.protocol != wire::kWardenProtocolVersion) {
    say_once(state, effects, "warden protocol",
             "the warden speaks protocol " + std::to_string(list.protocol) + ", this agent " +
                 std::to_string(wire::kWardenProtocolVersion) + ": install both from one release; nothing is started");
    return;
  }
  if (warden.running.size() + warden.exited.size() < kMaxListed) {
    std::move(list.running.begin(), list.running.end(), std::back_inserter(warden.running));
    std::move(list.exited.begin(), list.exited.end(), std::back_inserter(warden.exited));
  }
  if (list.more) return;
  warden.slots = list.slots;
  // It is part of who this node is. Mostly the warden is there before the broker, and the birth tells it.
  const bool news = warden.containment != list.containment;
  warden.containment = list.containment;
  if (news) ++warden.revision;  // beats carry it, so that the word may be lost
  if (news && state.link.phase == Link::Phase::up) publish_status(state, effects);
  say_about(state, effects, list);
  if (!state.saved.store.empty()) compare_with_list(state, effects, now);
}

}  // namespace

void ask_warden_for_list(State& state, Effects& effects) {
  state.warden.synced = false;
  state.warden.running.clear();
  state.warden.exited.clear();
  effects.warden.emplace_back(wire::WardenHello{});
}

// Any report is an answer: so a warden that is too old to know a ping is not taken for one that hangs.
void ping_warden(State& state, Effects& effects, Now now) {
  WardenView& warden = state.warden;
  if (!warden.connected || warden.owes_since || now.mono < warden.next_ping) return;
  warden.owes_since = now.mono;
  warden.next_ping = now.mono + kWardenPingMs;
  effects.warden.emplace_back(wire::WardenPing{});
}

int64_t warden_silent_ms(const State& state, Now now) {
  if (!state.warden.owes_since) return 0;
  const int64_t silent_ms = now.mono - *state.warden.owes_since;
  return silent_ms >= kWardenPatienceMs ? silent_ms : 0;
}

void on_warden_connected(State& state, Effects& effects, Now now) {
  if (state.warden.loss_said) effects.log.push_back("the warden is back");
  state.warden.loss_said = false;
  state.warden.connected = true;
  state.warden.hold_until.reset();
  state.warden.owes_since = now.mono;
  ask_warden_for_list(state, effects);
}

void on_warden_lost(State& state, Effects& effects, Now, std::string_view why) {
  WardenView& warden = state.warden;
  warden.connected = false;
  warden.synced = false;
  warden.owes_since.reset();
  for (auto& [id, attempt] : state.tasks.held) attempt.kill_sent = false;
  if (warden.loss_said) return;
  warden.loss_said = true;
  effects.log.push_back("no connection to the warden (" + shortened(why, 200) +
                        "); nothing is started until there is one; trying again");
}

void on_warden_report(State& state, Effects& effects, Now now, wire::WardenReport report) {
  state.warden.owes_since.reset();
  std::visit([&](auto& one) { handle(state, effects, now, one); }, report);
}

}  // namespace bramble::agent
