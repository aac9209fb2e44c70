// Events on their way to the aggregator: numbered, in a window, repeated until acknowledged, packed into few messages.
#include <algorithm>

#include "agent/core/internal.hpp"
#include "common/wire/codec.hpp"

namespace bramble::agent {
namespace {

constexpr size_t kEventOverheadBytes = 120;
constexpr size_t kFinishedOverheadBytes = 400;

constexpr size_t in_base64(size_t bytes) { return (bytes + 2) / 3 * 4; }

uint64_t inline_bytes(uint64_t size) { return size <= wire::kMaxInlineOutputBytes ? size : 0; }

struct Range {
  wire::Stream stream;
  uint64_t offset;
  uint64_t bytes;
};

// The parts of output files that ride in this event.
std::vector<Range> ranges_of(const State& state, const Outgoing& event) {
  std::vector<Range> ranges;
  if (event.type == wire::EventType::output) {
    const uint64_t bytes = inline_bytes(event.size_bytes - event.offset);
    if (bytes > 0) ranges.push_back({event.stream, event.offset, bytes});
  }
  if (event.type == wire::EventType::finished) {
    const wire::Finished& result = *state.tasks.held.at(event.id).result;
    if (const uint64_t out = inline_bytes(result.out.kept_bytes); out > 0) {
      ranges.push_back({wire::Stream::stdout_, 0, out});
    }
    if (const uint64_t err = inline_bytes(result.err.kept_bytes); err > 0) {
      ranges.push_back({wire::Stream::stderr_, 0, err});
    }
  }
  return ranges;
}

size_t encoded_bytes(const State& state, const Outgoing& event, const std::vector<Range>& ranges) {
  size_t bytes = kEventOverheadBytes;
  if (event.type == wire::EventType::finished) {
    bytes += kFinishedOverheadBytes + state.tasks.held.at(event.id).result->text.size() * 2;
  }
  for (const Range& range : ranges) bytes += in_base64(static_cast<size_t>(range.bytes));
  return bytes;
}

std::string& data_of(Outgoing& event, wire::Stream stream) {
  return event.data[stream == wire::Stream::stdout_ ? 0 : 1];
}

wire::Event make_event(const State& state, uint64_t number, Outgoing& outgoing) {
  wire::Event event;
  event.type = outgoing.type;
  event.id = outgoing.id;
  if (outgoing.type == wire::EventType::finished) {
    event.finished = state.tasks.held.at(outgoing.id).result;
    event.finished->out.data = std::move(data_of(outgoing, wire::Stream::stdout_));
    event.finished->err.data = std::move(data_of(outgoing, wire::Stream::stderr_));
  } else {
    event.number = number;
  }
  if (outgoing.type == wire::EventType::output) {
    event.output = wire::Output{outgoing.stream, outgoing.offset, outgoing.size_bytes,
                                std::move(data_of(outgoing, outgoing.stream))};
  }
  outgoing.data = {};
  return event;
}

void emit(State& state, Now now, uint64_t number, Outgoing& event) {
  state.outbox.batch.push_back(make_event(state, number, event));
  event.phase = Outgoing::Phase::in_flight;
  event.sent = now.mono;
  state.outbox.in_flight.emplace_back(now.mono, number);
}

void put_back(Outbox& outbox, uint64_t number, Outgoing& event) {
  if (event.phase == Outgoing::Phase::ready) return;
  outbox.in_flight_bytes -= event.bytes;
  event.phase = Outgoing::Phase::ready;
  event.reads_left = 0;
  event.data = {};
  outbox.ready.push_back(number);
}

// False when the window has no room for it; an event that is larger than the window goes alone.
bool send(State& state, Effects& effects, Now now, uint64_t number, Outgoing& event) {
  Outbox& outbox = state.outbox;
  const std::vector<Range> ranges = ranges_of(state, event);
  event.bytes = encoded_bytes(state, event, ranges);
  if (outbox.in_flight_bytes > 0 && outbox.in_flight_bytes + event.bytes > kEventWindowBytes) return false;
  outbox.in_flight_bytes += event.bytes;
  if (ranges.empty()) {
    emit(state, now, number, event);
    return true;
  }
  event.phase = Outgoing::Phase::reading;
  event.reads_left = static_cast<int>(ranges.size());
  for (const Range& range : ranges) {
    effects.reads.push_back(
        {warden_task(state, event.id), range.stream, range.offset, range.bytes, ReadOutput::For::event, number});
  }
  return true;
}

size_t message_bytes(const wire::Event& event) {
  size_t bytes = kEventOverheadBytes + event.text.size() * 2;
  if (event.output) bytes += in_base64(event.output->data.size());
  if (event.finished) {
    bytes += kFinishedOverheadBytes + event.finished->text.size() * 2 + in_base64(event.finished->out.data.size()) +
             in_base64(event.finished->err.data.size());
  }
  return bytes;
}

void pump_events(State& state, Effects& effects, Now now) {
  Outbox& outbox = state.outbox;
  if (state.session.id == 0) return;
  while (!outbox.ready.empty()) {
    const uint64_t number = outbox.ready.front();
    const auto found = outbox.events.find(number);
    const bool waits = found != outbox.events.end() && found->second.phase == Outgoing::Phase::ready;
    if (waits && !send(state, effects, now, number, found->second)) return;
    outbox.ready.pop_front();
  }
}

void send_batch(State& state, Effects& effects, Now now) {
  std::vector<wire::Event>& batch = state.outbox.batch;
  const std::string topic = state.topics.node(state.config.node, wire::NodeTopic::events);
  auto next = batch.begin();
  while (next != batch.end()) {
    wire::EventsMessage message{state.saved.store, state.saved.term, state.session.id, {}};
    size_t bytes = 0;
    while (next != batch.end() && message.events.size() < wire::kMaxListEntries) {
      bytes += message_bytes(*next);
      if (bytes > kEventMessageBytes && !message.events.empty()) break;
      message.events.push_back(std::move(*next++));
    }
    effects.publish.push_back({topic, wire::encode(message), 1, false, false});
  }
  batch.clear();
  state.outbox.last_message = now.mono;
}

}  // namespace

void answer(State& state, wire::EventType type, const AttemptKey& id, std::string text) {
  wire::Event event;
  event.type = type;
  event.id = id;
  event.text = std::move(text);
  state.outbox.batch.push_back(std::move(event));
}

uint64_t add_event(State& state, Outgoing event) {
  const uint64_t number = ++state.outbox.last_number;
  state.outbox.events.emplace(number, std::move(event));
  state.outbox.ready.push_back(number);
  return number;
}

void drop_event(State& state, uint64_t& number) {
  const auto found = state.outbox.events.find(number);
  number = 0;
  if (found == state.outbox.events.end()) return;
  if (found->second.phase != Outgoing::Phase::ready) state.outbox.in_flight_bytes -= found->second.bytes;
  state.outbox.events.erase(found);
}

void send_again(State& state, uint64_t number) {
  const auto found = state.outbox.events.find(number);
  if (found == state.outbox.events.end() || found->second.phase != Outgoing::Phase::in_flight) return;
  put_back(state.outbox, number, found->second);
}

void send_all_again(State& state) {
  Outbox& outbox = state.outbox;
  outbox.batch.clear();
  outbox.ready.clear();
  outbox.in_flight.clear();
  for (auto& [number, event] : outbox.events) {
    if (event.phase == Outgoing::Phase::ready) {
      outbox.ready.push_back(number);
    } else {
      put_back(outbox, number, event);
    }
  }
}

void acknowledge(State& state, uint64_t number) {
  const auto found = state.outbox.events.find(number);
  if (found == state.outbox.events.end()) return;
  const Outgoing event = found->second;
  if (event.type == wire::EventType::finished) return;  // only done settles a result
  Attempt& attempt = state.tasks.held.at(event.id);
  if (event.type == wire::EventType::started) return drop_event(state, attempt.event);
  StreamProgress& progress = progress_of(attempt, event.stream);
  drop_event(state, progress.event);
  progress.acked_bytes = event.size_bytes;
  offer_output(state, event.id, attempt, event.stream);
}

void repeat_events(State& state, Now now) {
  Outbox& outbox = state.outbox;
  if (state.session.id == 0) return;
  while (!outbox.in_flight.empty() && outbox.in_flight.front().first + kRepeatMs <= now.mono) {
    const auto [sent, number] = outbox.in_flight.front();
    outbox.in_flight.pop_front();
    const auto found = outbox.events.find(number);
    if (found == outbox.events.end()) continue;
    Outgoing& event = found->second;
    if (event.phase == Outgoing::Phase::in_flight && event.sent == sent) put_back(outbox, number, event);
  }
}

// A part that cannot be read is left out: the aggregator then pulls it, and hears what can be had.
void take_event_data(State& state, Now now, const ReadOutput& request, Result<std::string> data) {
  const auto found = state.outbox.events.find(request.number);
  if (found == state.outbox.events.end() || found->second.phase != Outgoing::Phase::reading) return;
  Outgoing& event = found->second;
  if (data && data->size() == request.max_bytes) data_of(event, request.stream) = std::move(*data);
  if (--event.reads_left > 0) return;
  if (state.session.id == 0) return put_back(state.outbox, request.number, event);
  emit(state, now, request.number, event);
}

// The first event of a quiet time goes at once; of a burst, all that come within a few milliseconds go together.
void send_events(State& state, Effects& effects, Now now) {
  Outbox& outbox = state.outbox;
  if (state.session.id == 0) return outbox.batch.clear();  // answers only: the aggregator asks again
  if (outbox.last_message && now.mono < *outbox.last_message + kGatherMs) return;
  pump_events(state, effects, now);
  const bool data_to_come = std::any_of(effects.reads.begin(), effects.reads.end(),
                                        [](const ReadOutput& read) { return read.purpose == ReadOutput::For::event; });
  if (!data_to_come && !outbox.batch.empty()) send_batch(state, effects, now);
}

bool has_events_to_send(const State& state) {
  return state.session.id != 0 && (!state.outbox.batch.empty() || !state.outbox.ready.empty());
}

}  // namespace bramble::agent
