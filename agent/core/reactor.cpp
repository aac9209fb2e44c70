// The way in: messages by their topic, time, and the end of a batch.
#include "agent/core/internal.hpp"
#include "common/packing/packing.hpp"
#include "common/wire/codec.hpp"

namespace bramble::agent {
namespace {

// Foreign clients can publish anything: counted, said once for each kind of topic, dropped.
void drop_malformed(State& state, Effects& effects, std::string_view source, std::string_view why) {
  ++state.counts.malformed;
  say_once(state, effects, "malformed " + std::string(source),
           "dropped a malformed message (" + std::string(source) + "): " + shortened(why, 300) +
               "; more of them will not be reported");
}

template <typename Message, typename Handler>
void decode_and(State& state, Effects& effects, std::string_view source, std::string_view payload, Handler handler) {
  if (payload.size() > wire::kMaxMessageBytes) return drop_malformed(state, effects, source, "it is above 1 MiB");
  Result<Message> message = wire::decode<Message>(payload);
  if (!message) return drop_malformed(state, effects, source, message.error().message);
  handler(std::move(*message));
}

// Of a node's topic or of several nodes' one. What is dropped will be asked for again.
template <typename Topic>
void handle_chunk(State& state, Effects& effects, Now now, const Topic& topic, std::string_view payload, bool to_all) {
  if (!topic.packed) return handle_blob_chunk(state, effects, now, {topic.sha256, topic.offset, payload, to_all});
  const auto bytes = packing::unpack(payload, wire::kBlobChunkBytes);
  if (!bytes) return drop_malformed(state, effects, to_all ? "blob" : "blob/down", bytes.error().message);
  handle_blob_chunk(state, effects, now, {topic.sha256, topic.offset, *bytes, to_all});
}

void handle_node_message(State& state, Effects& effects, Now now, const wire::ParsedTopic& topic,
                         std::string_view payload) {
  switch (topic.kind) {
    case wire::NodeTopic::tasks:
      return decode_and<wire::TasksMessage>(state, effects, "tasks", payload, [&](wire::TasksMessage&& message) {
        handle_tasks_message(state, effects, now, std::move(message));
      });
    case wire::NodeTopic::blob_want:
      return decode_and<wire::OutputWant>(state, effects, "blob/want", payload,
                                          [&](const wire::OutputWant& want) { handle_want(state, effects, want); });
    case wire::NodeTopic::blob_down:
      return handle_chunk(state, effects, now, topic, payload, false);
    case wire::NodeTopic::control:
      return decode_and<wire::Control>(state, effects, "control", payload, [&](const wire::Control& control) {
        handle_control(state, effects, now, control);
      });
    case wire::NodeTopic::certificate:
      return decode_and<wire::NewCertificate>(
          state, effects, "certificate", payload,
          [&](wire::NewCertificate&& message) { handle_certificate(state, effects, std::move(message)); });
    default:
      return;  // nothing that this version acts on
  }
}

}  // namespace

void say_once(State& state, Effects& effects, const std::string& source, std::string line) {
  if (state.said.size() >= kMaxSaid || !state.said.insert(shortened(source, 200)).second) return;
  effects.log.push_back(std::move(line));
}

std::string shortened(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  return std::string(text.substr(0, max_bytes)) + "...";
}

void on_message(State& state, Effects& effects, Now now, std::string_view topic, std::string_view payload) {
  if (topic == state.topics.aggregator_status()) {
    if (payload.empty()) return;  // a retained status that a person has removed
    return decode_and<wire::AggregatorStatus>(
        state, effects, "aggregator/status", payload,
        [&](const wire::AggregatorStatus& status) { handle_aggregator_status(state, effects, status); });
  }
  if (const auto shared = state.topics.parse_blob_shared(topic)) {
    return handle_chunk(state, effects, now, *shared, payload, true);
  }
  const Result<wire::ParsedTopic> parsed = state.topics.parse(topic);
  if (!parsed) return drop_malformed(state, effects, "topic", parsed.error().message);
  if (parsed->node != state.config.node) return;
  handle_node_message(state, effects, now, *parsed, payload);
}

void on_output_read(State& state, Effects& effects, Now now, const ReadOutput& request, Result<std::string> data) {
  if (request.purpose == ReadOutput::For::event) return take_event_data(state, now, request, std::move(data));
  take_want_data(state, effects, request, std::move(data));
}

void on_tick(State& state, Effects& effects, Now now) {
  end_leases(state, effects, now);
  connect_if_due(state, effects, now);
  send_beat_if_due(state, effects, now);
  sample_if_due(state, effects, now);
  ask_for_certificate(state, effects, now);
  repeat_events(state, now);
  repeat_pulls(state, effects, now);
}

void flush(State& state, Effects& effects, Now now) {
  start_tasks(state, effects, now);
  forget_in_warden(state, effects, now);
  begin_pulls(state, effects, now);
  tell_blobs(state, effects, now);
  send_inventory_if_owed(state, effects);
  send_events(state, effects, now);
  send_backlog(state, effects, now);
  effects.wake_at = next_wake(state, now);
}

}  // namespace bramble::agent
