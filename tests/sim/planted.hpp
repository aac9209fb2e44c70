// What daemons with known bugs would do, as changes to what goes between the real reactors.
#pragma once

#include <string>

#include "agent/core/state.hpp"
#include "aggregator/core/effects.hpp"
#include "aggregator/core/state.hpp"
#include "common/wire/codec.hpp"
#include "memory_store.hpp"

namespace bramble::sim::planted {

// An agent that takes each acknowledgement of a result for one of all results so far.
inline std::string ack_up_to(const std::string& payload, const agent::State& agent) {
  auto message = wire::decode<wire::TasksMessage>(payload);
  if (!message || message->done.empty()) return payload;
  for (const auto& [id, attempt] : agent.tasks.held) {
    if (attempt.phase == agent::Phase::finished) message->done.push_back(id);
  }
  return wire::encode(*message);
}

// An agent that counts the lease from when it hears the echo.
inline std::string lease_by_late_echo(const std::string& payload, Now now) {
  auto message = wire::decode<wire::TasksMessage>(payload);
  if (!message || !message->echo) return payload;
  message->echo->sent_ms = now.mono.ms;
  return wire::encode(*message);
}

// An aggregator that never says `done`.
inline std::string skipped_ack(const std::string& payload) {
  auto message = wire::decode<wire::TasksMessage>(payload);
  if (!message) return payload;
  message->done.clear();
  return wire::encode(*message);
}

// An aggregator that does not look at the session of what it hears.
inline std::string old_session(const aggregator::State& state, const std::string& topic, const std::string& payload) {
  const auto parsed = state.topics.parse(topic);
  const auto index = parsed ? state.node_by_name.find(parsed->node) : state.node_by_name.end();
  if (index == state.node_by_name.end()) return payload;
  const SessionId current = state.nodes[index->second].session;
  if (auto events = wire::decode<wire::EventsMessage>(payload); parsed->kind == wire::NodeTopic::events && events) {
    events->session = current;
    return wire::encode(*events);
  }
  if (auto inventory = wire::decode<wire::Inventory>(payload);
      parsed->kind == wire::NodeTopic::inventory && inventory) {
    inventory->session = current;
    inventory->nonce = state.nodes[index->second].inventory.nonce;
    return wire::encode(*inventory);
  }
  return payload;
}

// An aggregator whose commit does not ask whether there is one already.
inline void commit_twice(aggregator::Effects& effects, const MemoryStore& store, const std::string& topic,
                         const std::string& payload) {
  if (!topic.ends_with("/events")) return;
  const auto message = wire::decode<wire::EventsMessage>(payload);
  if (!message) return;
  for (const auto& event : message->events) {
    if (event.type != wire::EventType::finished || !store.is_final(event.id.task_key())) continue;
    effects.writes.push_back(
        aggregator::PutTask{event.id.task_key(), aggregator::TaskState::succeeded, 0, event.id.attempt});
  }
}

}  // namespace bramble::sim::planted
