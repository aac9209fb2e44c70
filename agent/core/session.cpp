// What comes from the aggregator, and who may say it: store, term and session fence everything but results.
#include <algorithm>

#include "agent/core/internal.hpp"
#include "common/wire/codec.hpp"

namespace bramble::agent {
namespace {

constexpr int64_t kMinIntervalMs = 50;
constexpr int64_t kMaxIntervalMs = 3'600'000;
constexpr const char* kRefusalSource = "refusal";

// An aggregator that is not ours, or that has gone back in time (a restored backup): what the status says tells it so.
void object(State& state, Effects& effects, Now now) {
  auto& objected = state.session.objected;
  if (objected && now.mono - *objected < kObjectMs) return;
  objected = now.mono;
  publish_status(state, effects);
}

void stay_away(State& state, Effects& effects, Now now, const std::string& why) {
  say_once(state, effects, kRefusalSource,
           "refused by the aggregator: " + shortened(why, 500) + "; trying again every 30 s");
  leave_broker(state, effects);
  state.link.retry_at = now.mono + kRefusedMs;
}

// Both agents of one name read one topic; the refused one has overwritten the other's retained status.
void handle_refusal(State& state, Effects& effects, Now now, const wire::Refusal& refusal) {
  if (refusal.agent_id == state.saved.agent_id) {
    stay_away(state, effects, now, refusal.why);
  } else {
    publish_status(state, effects);
  }
}

bool answers_this_birth(const State& state, const wire::TasksMessage& message) {
  const wire::Welcome& welcome = *message.welcome;
  return welcome.agent_id == state.saved.agent_id && welcome.boot_id == state.config.boot_id &&
         welcome.counter == state.counter && message.session != 0 && message.session >= state.session.id;
}

void join(State& state, Effects& effects, const wire::TasksMessage& message) {
  if (message.store == state.saved.store && message.term == state.saved.term) return;
  const bool first_time = state.saved.store.empty();
  state.saved.store = message.store;
  state.saved.term = message.term;
  effects.save = state.saved;
  if (!first_time) return;
  effects.log.push_back("joined the aggregator's store " + message.store);
  // Only now is it known whose tasks in the warden's list are ours.
  if (state.warden.connected) ask_warden_for_list(state, effects);
}

void accept_welcome(State& state, Effects& effects, Now now, const wire::TasksMessage& message) {
  if (!answers_this_birth(state, message)) {
    ++state.counts.fenced;
    if (message.session < state.session.highest && message.term == state.saved.term) object(state, effects, now);
    return;
  }
  join(state, effects, message);
  Session& session = state.session;
  const wire::Welcome& welcome = *message.welcome;
  session.inventory_nonce = welcome.nonce;
  session.welcomed = now.mono;
  take_calibration(state, effects, welcome.power);
  session.beat_ms = std::clamp(state.config.beat_ms.value_or(welcome.beat_ms), kMinIntervalMs, kMaxIntervalMs);
  session.telemetry_ms =
      std::clamp(state.config.telemetry_ms.value_or(welcome.telemetry_ms), kMinIntervalMs, kMaxIntervalMs);
  session.next_beat = std::min(session.next_beat, now.mono + session.beat_ms);
  session.next_telemetry = std::min(session.next_telemetry, now.mono + session.telemetry_ms);
  state.link.backoff_ms = kFirstBackoffMs;
  state.said.erase(kRefusalSource);
  session.highest = std::max(session.highest, message.session);
  if (message.session == session.id) return;
  session.id = message.session;
  send_all_again(state);
  resume_pulls(state, effects, now);
}

void obey(State& state, Effects& effects, Now now, wire::TasksMessage& message) {
  if (message.echo) handle_echo(state, effects, now, *message.echo);
  for (const uint64_t number : message.ack) acknowledge(state, number);
  for (const AttemptKey& id : message.done) forget_done(state, id);
  for (const AttemptKey& id : message.cancel) cancel(state, effects, now, id);
  for (const AttemptKey& id : message.recall) recall(state, effects, now, id);
  std::map<JobId, SpecPtr> specs;
  for (auto& [job, spec] : message.specs) specs[job] = std::make_shared<const wire::TaskSpec>(std::move(spec));
  for (const wire::Launch& one : message.launch) {
    const auto spec = specs.find(one.id.job);
    launch(state, effects, now, one, spec == specs.end() ? nullptr : spec->second);
  }
}

wire::Inventory& page_with_room(std::vector<wire::Inventory>& pages, size_t& entries) {
  if (pages.empty() || entries == wire::kMaxListEntries) {
    pages.emplace_back();
    entries = 0;
  }
  ++entries;
  return pages.back();
}

std::vector<wire::Inventory> inventory_pages(const State& state) {
  std::vector<wire::Inventory> pages;
  size_t entries = 0;
  for (const auto& [id, attempt] : state.tasks.held) {
    wire::Inventory& page = page_with_room(pages, entries);
    switch (attempt.phase) {
      case Phase::fetching:
      case Phase::queued:
        page.queued.push_back(id);
        break;
      case Phase::starting:
      case Phase::running:
        page.running.push_back(id);
        break;
      case Phase::finished:
        page.finished.push_back(id);
        break;
    }
  }
  if (pages.empty()) pages.emplace_back();
  return pages;
}

}  // namespace

bool passes_store_fence(State& state, Effects& effects, const StoreId& store, TermId term) {
  const Saved& saved = state.saved;
  if (saved.store.empty()) return true;
  if (store != saved.store) {
    ++state.counts.fenced;
    say_once(state, effects, "store " + store,
             "the aggregator has store " + shortened(store, 64) + ", this agent is joined to " + saved.store +
                 ": it is not obeyed; to join it, stop this agent, remove agent.state from its state directory and "
                 "start it again");
    return false;
  }
  if (term < saved.term) ++state.counts.fenced;
  return term >= saved.term;
}

void handle_tasks_message(State& state, Effects& effects, Now now, wire::TasksMessage message) {
  if (state.stopping || state.link.phase != Link::Phase::up) return;
  if (!passes_store_fence(state, effects, message.store, message.term)) {
    object(state, effects, now);
    return;
  }
  if (message.refusal) handle_refusal(state, effects, now, *message.refusal);
  if (state.link.phase != Link::Phase::up) return;
  if (message.ask_status) publish_status(state, effects);
  if (message.welcome) accept_welcome(state, effects, now, message);
  if (state.session.id == 0 || message.session != state.session.id) {
    ++state.counts.fenced;
    return;
  }
  obey(state, effects, now, message);
}

void handle_aggregator_status(State& state, Effects& effects, const wire::AggregatorStatus& status) {
  if (!status.online) return;
  passes_store_fence(state, effects, status.store, status.term);
  if (status.version.empty() || status.version == state.config.version) return;
  say_once(state, effects, "version " + status.version,
           "the aggregator is bramble " + shortened(status.version, 64) + ", this agent " + state.config.version);
}

void send_inventory_if_owed(State& state, Effects& effects) {
  if (!state.session.inventory_nonce || state.session.id == 0 || !state.warden.synced) return;
  std::vector<wire::Inventory> pages = inventory_pages(state);
  const std::string topic = state.topics.node(state.config.node, wire::NodeTopic::inventory);
  for (size_t i = 0; i < pages.size(); ++i) {
    pages[i].store = state.saved.store;
    pages[i].session = state.session.id;
    pages[i].nonce = *state.session.inventory_nonce;
    pages[i].page = static_cast<uint32_t>(i);
    pages[i].pages = static_cast<uint32_t>(pages.size());
    effects.publish.push_back({topic, wire::encode(pages[i]), 1, false, false});
  }
  state.session.inventory_nonce.reset();
}

void send_beat_if_due(State& state, Effects& effects, Now now) {
  Session& session = state.session;
  if (state.link.phase != Link::Phase::up || now.mono < session.next_beat) return;
  ping_warden(state, effects, now);  // with a beat, so that it costs no further wake-up
  wire::Beat beat;
  beat.number = ++session.beat_number;
  beat.session = session.id;
  beat.sent_ms = now.mono.ms;
  beat.running = static_cast<uint32_t>(state.tasks.used.attempts);
  beat.queued = static_cast<uint32_t>(state.tasks.ready.size() + state.tasks.fetching);
  beat.spool_bytes = state.tasks.spool_bytes;
  beat.spool_full = spool_is_full(state);
  beat.warden_silent_ms = warden_silent_ms(state, now);
  beat.revision = state.warden.revision;
  effects.publish.push_back(
      {state.topics.node(state.config.node, wire::NodeTopic::beat), wire::encode(beat), 0, false, false});
  session.next_beat = next_due(session.next_beat, session.beat_ms, now);
}

}  // namespace bramble::agent
