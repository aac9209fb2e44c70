// The two connections to the broker: birth, will, goodbye, back-off.
#include <algorithm>
#include <utility>

#include "agent/core/internal.hpp"
#include "common/wire/codec.hpp"

namespace bramble::agent {
namespace {

wire::NodeStatus identity(const State& state) {
  wire::NodeStatus status;
  status.node = state.config.node;
  status.agent_id = state.saved.agent_id;
  status.machine_id = state.config.machine_id;
  status.boot_id = state.config.boot_id;
  status.counter = state.counter;
  return status;
}

wire::NodeStatus offline(const State& state, std::string reason) {
  wire::NodeStatus status = identity(state);
  status.reason = std::move(reason);
  return status;
}

wire::NodeStatus birth(const State& state) {
  wire::NodeStatus status = identity(state);
  status.online = true;
  status.version = state.config.version;
  status.model = state.config.model;
  status.arch = state.config.arch;
  status.store = state.saved.store;
  status.term = state.saved.term;
  status.session = state.session.highest;
  status.cores = state.config.slots;
  status.memory_bytes = state.config.memory_bytes;
  status.resources = state.config.resources;
  status.labels = state.config.labels;
  status.containment = state.warden.containment;
  status.revision = state.warden.revision;
  return status;
}

// Between three and five quarters of the step, so that the agents of a whole cluster do not come back in one instant.
MonoTime next_attempt(State& state, Link& link, Now now) {
  const int64_t delay_ms = link.backoff_ms * state.random.between(75, 125) / 100;
  link.backoff_ms = std::min(link.backoff_ms * 2, kMaxBackoffMs);
  return now.mono + delay_ms;
}

// Reserved in blocks: a broker that is away for a day must not cost an SD card a write every few seconds.
void count_connection(State& state, Effects& effects) {
  if (++state.counter <= state.saved.counter) return;
  state.saved.counter += kCounterBlock;
  effects.save = state.saved;
}

void publish_retained_status(const State& state, Effects& effects, const wire::NodeStatus& status) {
  effects.publish.push_back(
      {state.topics.node(state.config.node, wire::NodeTopic::status), wire::encode(status), 1, true, false});
}

}  // namespace

void start(State& state, Now now) {
  state.link.retry_at = now.mono;
  begin_telemetry(state, now);
}

void connect_if_due(State& state, Effects& effects, Now now) {
  if (state.stopping) return;
  if (state.link.phase == Link::Phase::down && state.link.retry_at && *state.link.retry_at <= now.mono) {
    count_connection(state, effects);
    state.link.phase = Link::Phase::connecting;
    state.link.retry_at.reset();
    effects.connect =
        Connect{state.topics.node(state.config.node, wire::NodeTopic::status), wire::encode(offline(state, "will"))};
  }
  const bool control_up = state.link.phase == Link::Phase::up;
  if (control_up && state.bulk.phase == Link::Phase::down && state.bulk.retry_at && *state.bulk.retry_at <= now.mono) {
    state.bulk.phase = Link::Phase::connecting;
    state.bulk.retry_at.reset();
    effects.connect_bulk = true;
  }
}

void publish_status(const State& state, Effects& effects) { publish_retained_status(state, effects, birth(state)); }

void on_connected(State& state, Effects& effects, Now now) {
  if (state.stopping || state.link.phase != Link::Phase::connecting) return;
  if (state.link.failure_said) {
    effects.log.push_back("connected to the broker again");
  } else {
    say_once(state, effects, "connected", "connected to the broker");
  }
  state.link.phase = Link::Phase::up;
  state.link.failure_said = false;
  state.session.id = 0;
  state.session.inventory_nonce.reset();
  state.session.next_beat = now.mono;
  state.session.connected = now.mono;
  if (state.bulk.phase == Link::Phase::down) state.bulk.retry_at = now.mono;
  publish_status(state, effects);
}

namespace {

// Once, and again where there is another reason: a broker may be reached by several ways, each of which fails for its
// own.
void say_no_connection(State& state, Effects& effects, std::string_view reason) {
  const std::string words = "no connection to the broker (" + shortened(reason, 500) + ")";
  const bool first = !std::exchange(state.link.failure_said, true);
  const bool new_reason = state.said.size() < kMaxSaid && state.said.insert(words).second;
  if (first) {
    effects.log.push_back(words + "; trying again until there is one");
  } else if (new_reason) {
    effects.log.push_back("still " + words);
  }
}

}  // namespace

void on_disconnected(State& state, Effects& effects, Now now, std::string_view reason) {
  if (state.link.phase == Link::Phase::down) return;
  state.link.phase = Link::Phase::down;
  state.session.id = 0;
  state.session.inventory_nonce.reset();
  state.link.retry_at = next_attempt(state, state.link, now);
  say_no_connection(state, effects, reason);
}

void on_bulk_connected(State& state, Effects& effects, Now now) {
  if (state.stopping || state.bulk.phase != Link::Phase::connecting) return;
  state.bulk.phase = Link::Phase::up;
  state.bulk.failure_said = false;
  state.bulk.backoff_ms = kFirstBackoffMs;
  resume_pulls(state, effects, now);
}

void on_bulk_disconnected(State& state, Effects& effects, Now now, std::string_view reason) {
  if (state.bulk.phase == Link::Phase::down) return;
  state.bulk.phase = Link::Phase::down;
  note_bulk_lost(state.blobs);
  state.bulk.retry_at = next_attempt(state, state.bulk, now);
  const bool only_this_one = state.link.phase == Link::Phase::up;
  if (state.bulk.failure_said || !only_this_one) return;
  state.bulk.failure_said = true;
  effects.log.push_back("no second connection to the broker for files (" + shortened(reason, 200) +
                        "); trying again until there is one");
}

void leave_broker(State& state, Effects& effects) {
  effects.disconnect = true;
  state.link.phase = Link::Phase::down;
  state.link.retry_at.reset();
  state.bulk.phase = Link::Phase::down;
  note_bulk_lost(state.blobs);
  state.bulk.retry_at.reset();
  state.session.id = 0;
  state.session.inventory_nonce.reset();
}

void stop(State& state, Effects& effects, Now) {
  if (state.stopping) return;
  state.stopping = true;
  remember_charges(state, effects);
  if (state.link.phase == Link::Phase::up) publish_retained_status(state, effects, offline(state, "goodbye"));
  leave_broker(state, effects);
}

}  // namespace bramble::agent
