// Bytes from the broker to the function that deals with them.
#include <algorithm>

#include "aggregator/core/doctor.hpp"
#include "aggregator/core/home_assistant.hpp"
#include "aggregator/core/internal.hpp"
#include "aggregator/core/reactor.hpp"

namespace bramble::aggregator {
namespace {

constexpr size_t kMaxNamedSources = 1000;

// A malformed message is counted, named once for each source, and dropped.
void note_malformed(State& state, Effects& effects, std::string_view topic, const Error& error) {
  ++state.malformed_messages;
  if (state.malformed_sources.size() >= kMaxNamedSources) return;
  if (!state.malformed_sources.insert(std::string(topic.substr(0, 200))).second) return;
  effects.warn("dropped a malformed message on " + std::string(topic.substr(0, 200)) + ": " + error.message +
               " (further ones from there are only counted)");
}

template <typename Message, typename Handler>
void decode_and(State& state, Effects& effects, std::string_view topic, std::string_view payload, Handler handler) {
  auto message = wire::decode<Message>(payload);
  if (message) {
    handler(*message);
  } else {
    note_malformed(state, effects, topic, message.error());
  }
}

// Looked at before a reading is decoded: a node that floods must cost the others nothing.
bool may_send_reading(State& state, Effects& effects, Now now, const std::string& name) {
  Node* node = find_node(state, name);
  if (node == nullptr) return true;
  ReadingAllowance& allowance = node->allowance;
  const double burst = state.config.node_readings_burst;
  const double elapsed_s = allowance.counted ? static_cast<double>(now.mono - *allowance.counted) / 1e3 : 0;
  allowance.readings =
      allowance.counted ? std::min(burst, allowance.readings + elapsed_s * state.config.node_readings_hz) : burst;
  allowance.counted = now.mono;
  if (allowance.readings >= 1) {
    allowance.readings -= 1;
    return true;
  }
  if (allowance.refused++ == 0) {
    effects.warn("node " + name + " sends more than " +
                 std::to_string(static_cast<uint64_t>(state.config.node_readings_hz)) +
                 " readings a second: those beyond are dropped and counted (bramble node info " + name + ")");
  }
  return false;
}

// What comes late says nothing about now.
bool is_newer(const wire::Telemetry& reading, const Node& node) {
  return !node.telemetry || reading.run != node.telemetry->run || reading.number >= node.telemetry->number;
}

void on_telemetry(State& state, Effects& effects, Now now, const std::string& name, wire::Telemetry reading) {
  Node* node = find_node(state, name);
  if (node == nullptr) return;
  const auto shared = std::make_shared<const wire::Telemetry>(std::move(reading));
  effects.telemetry.push_back({name, now.wall, shared});
  if (is_newer(*shared, *node)) node->telemetry = shared;
  announce_device(state, effects, *node);
}

void on_blob_have(State& state, const std::string& name, wire::BlobHave have) {
  const Node* node = find_node(state, name);
  if (node == nullptr || have.session != node->session || have.session == 0) {
    ++state.stale_messages;
    return;
  }
  state.blob_places.set(state.node_by_name.at(name), std::move(have.blobs));
}

}  // namespace

namespace {

// Our own comes back to us, and what earlier runs left behind. Another one of our store and not of an earlier term is a
// second aggregator that works with a copy, or the life from which this copy was taken.
void on_aggregator_status(State& state, Effects& effects, const wire::AggregatorStatus& status) {
  if (status.store != state.store || status.run == state.config.run || status.term < state.term) return;
  note_gone_back(
      state, effects,
      "another run of it has term " + std::to_string(status.term) + ", this one " + std::to_string(state.term));
}

void on_node_message(State& state, Effects& effects, Now now, const wire::ParsedTopic& parsed, std::string_view topic,
                     std::string_view payload) {
  const std::string& name = parsed.node;
  // Fenced by session: the sender must be the agent that was granted the newest one.
  const auto current = [&](SessionId session) -> Node* {
    Node* node = find_node(state, name);
    if (node != nullptr && node->session == session && session != 0) return node;
    ++state.stale_messages;
    return nullptr;
  };
  switch (parsed.kind) {
    case wire::NodeTopic::status:
      if (payload.empty()) return;  // a retained identity that somebody cleared
      return decode_and<wire::NodeStatus>(state, effects, topic, payload,
                                          [&](const auto& m) { on_status(state, effects, now, name, m); });
    case wire::NodeTopic::beat:
      return decode_and<wire::Beat>(state, effects, topic, payload,
                                    [&](const auto& m) { on_beat(state, effects, now, name, m); });
    case wire::NodeTopic::telemetry:
      if (!may_send_reading(state, effects, now, name)) return;
      return decode_and<wire::Telemetry>(state, effects, topic, payload,
                                         [&](auto& m) { on_telemetry(state, effects, now, name, std::move(m)); });
    case wire::NodeTopic::events:
      return decode_and<wire::EventsMessage>(state, effects, topic, payload, [&](const auto& m) {
        if (Node* node = find_node(state, name)) on_events(state, effects, now, *node, m);
      });
    case wire::NodeTopic::inventory:
      return decode_and<wire::Inventory>(state, effects, topic, payload, [&](const auto& m) {
        if (Node* node = current(m.session)) on_inventory(state, effects, now, *node, m);
      });
    case wire::NodeTopic::checkup:
      return decode_and<wire::Checkup>(state, effects, topic, payload, [&](auto& m) {
        if (Node* node = current(m.session)) node->checkup = std::move(m);
      });
    case wire::NodeTopic::blob_get:
      return decode_and<wire::BlobGet>(state, effects, topic, payload,
                                       [&](const auto& m) { on_blob_get(state, effects, now, name, m); });
    case wire::NodeTopic::blob_have:
      return decode_and<wire::BlobHave>(state, effects, topic, payload,
                                        [&](auto& m) { on_blob_have(state, name, std::move(m)); });
    case wire::NodeTopic::certificate_request:
      return decode_and<wire::CertificateRequest>(
          state, effects, topic, payload, [&](const auto& m) { on_certificate_request(state, effects, now, name, m); });
    case wire::NodeTopic::blob_up:
      if (parsed.store != state.store || payload.size() > wire::kBlobChunkBytes) {
        ++state.stale_messages;
        return;
      }
      if (const Node* node = find_node(state, name)) {
        on_output_chunk(state, effects, now, *node, parsed.id, parsed.stream, parsed.offset, payload);
      }
      return;
    case wire::NodeTopic::tasks:
    case wire::NodeTopic::control:
    case wire::NodeTopic::blob_want:
    case wire::NodeTopic::blob_down:
    case wire::NodeTopic::certificate:
      return;  // our own
  }
}

}  // namespace

void on_message(State& state, Effects& effects, Now now, std::string_view topic, std::string_view payload) {
  if (topic == state.topics.aggregator_status()) {
    if (payload.empty()) return;
    return decode_and<wire::AggregatorStatus>(state, effects, topic, payload,
                                              [&](const auto& m) { on_aggregator_status(state, effects, m); });
  }
  if (topic == state.topics.aggregator_ping()) return on_ping(state, effects, now, payload);
  if (!state.config.home_assistant.empty() && topic == home_assistant_status_topic(state.config)) {
    if (payload == "online") announce_all_again(state, effects);
    return;
  }
  if (on_retained(state, effects, topic, payload)) return;
  const auto parsed = state.topics.parse(topic);
  if (!parsed) return note_malformed(state, effects, topic, parsed.error());
  on_node_message(state, effects, now, *parsed, topic, payload);
}

}  // namespace bramble::aggregator
