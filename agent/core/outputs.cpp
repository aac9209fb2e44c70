// Output of running and finished attempts: told of as it grows, and pulled by the aggregator against credit.
#include <algorithm>

#include "agent/core/internal.hpp"

namespace bramble::agent {
namespace {

constexpr size_t kMaxWants = 256;

void publish_chunk(const State& state, Effects& effects, const WantKey& key, uint64_t offset, std::string data) {
  std::string topic = state.topics.blob_up(state.config.node, state.saved.store, key.first, key.second, offset);
  effects.publish.push_back({std::move(topic), std::move(data), 1, false, true});
}

void read_next(const State& state, Effects& effects, const WantKey& key, const Want& want) {
  effects.reads.push_back(
      {warden_task(state, key.first), key.second, want.offset, wire::kBlobChunkBytes, ReadOutput::For::want, 0});
}

bool is_running(const State& state, const AttemptKey& id) {
  const auto held = state.tasks.held.find(id);
  return held != state.tasks.held.end() && held->second.phase == Phase::running;
}

}  // namespace

void note_growth(State& state, const AttemptKey& id, Attempt& attempt, wire::Stream stream, uint64_t size_bytes) {
  StreamProgress& progress = progress_of(attempt, stream);
  progress.size_bytes = std::max(progress.size_bytes, size_bytes);
  offer_output(state, id, attempt, stream);
}

// One event per stream at a time: over a slow link the next one tells of a size, not of every byte.
void offer_output(State& state, const AttemptKey& id, Attempt& attempt, wire::Stream stream) {
  StreamProgress& progress = progress_of(attempt, stream);
  if (progress.event != 0 || progress.size_bytes <= progress.acked_bytes) return;
  progress.event = add_event(state, {.type = wire::EventType::output,
                                     .id = id,
                                     .stream = stream,
                                     .offset = progress.acked_bytes,
                                     .size_bytes = progress.size_bytes});
}

void handle_want(State& state, Effects& effects, const wire::OutputWant& want) {
  if (state.session.id == 0 || want.store != state.saved.store) {
    ++state.counts.fenced;
    return;
  }
  if (!state.warden.synced) return;  // what is held is not known yet: it will be asked again
  const WantKey key{want.id, want.stream};
  const auto held = state.tasks.held.find(want.id);
  if (held == state.tasks.held.end() || !held->second.in_warden) {
    return publish_chunk(state, effects, key, want.offset, {});
  }
  if (want.chunks == 0 || (state.wants.size() >= kMaxWants && !state.wants.contains(key))) return;
  Want& under_way = state.wants[key];
  under_way = {want.offset, std::min(want.chunks, wire::kMaxCreditChunks)};
  read_next(state, effects, key, under_way);
}

void take_want_data(State& state, Effects& effects, const ReadOutput& request, Result<std::string> data) {
  const WantKey key{request.task.id, request.stream};
  const auto found = state.wants.find(key);
  if (found == state.wants.end() || found->second.offset != request.offset) return;
  Want& want = found->second;
  const bool nothing = !data || data->empty();
  if (nothing) {
    // A running task may write more; of a finished one there is no more to come, and the aggregator must know.
    if (!is_running(state, request.task.id)) publish_chunk(state, effects, key, want.offset, {});
    state.wants.erase(found);
    return;
  }
  const uint64_t size = data->size();
  publish_chunk(state, effects, key, want.offset, std::move(*data));
  want.offset += size;
  --want.chunks;
  if (want.chunks == 0 || size < request.max_bytes) {
    state.wants.erase(found);
  } else {
    read_next(state, effects, key, want);
  }
}

}  // namespace bramble::agent
