// Output of tasks: what rides in events, and what is pulled in chunks because it is large.
//
// A stream comes without gaps and in order: bytes beyond what we have are asked for again. At most kMaxPulls streams
// are pulled at once, each with a window of credit, which bounds the memory that chunks can take.
#include <algorithm>

#include "aggregator/core/internal.hpp"
#include "aggregator/core/reactor.hpp"

namespace bramble::aggregator {
namespace {

constexpr uint32_t kMaxPulls = 16;
constexpr uint32_t kCreditChunks = 16;
constexpr uint64_t kRefillBytes = uint64_t{kCreditChunks} * wire::kBlobChunkBytes / 2;

constexpr std::array kStreams{wire::Stream::stdout_, wire::Stream::stderr_};

StreamProgress& progress_of(Attempt& attempt, wire::Stream stream) { return attempt.streams[index_of(stream)]; }

void append(Effects& effects, Attempt& attempt, wire::Stream stream, uint64_t offset, std::string_view bytes) {
  StreamProgress& progress = progress_of(attempt, stream);
  if (offset > progress.have_bytes || offset + bytes.size() <= progress.have_bytes) return;
  const std::string_view fresh = bytes.substr(progress.have_bytes - offset);
  effects.files.push_back(AppendOutput{attempt.key, stream, progress.have_bytes, std::string(fresh)});
  progress.have_bytes += fresh.size();
}

void ask_for_more(State& state, Effects& effects, Now now, Attempt& attempt, wire::Stream stream) {
  StreamProgress& progress = progress_of(attempt, stream);
  if (progress.requested_bytes >= progress.node_bytes) return;
  if (progress.requested_bytes > progress.have_bytes + kRefillBytes) return;
  const Node& node = state.nodes[attempt.node];
  const wire::OutputWant want{state.store, node.session, attempt.key, stream, progress.requested_bytes, kCreditChunks};
  effects.publish.push_back(
      {state.topics.node(node.record.status.node, wire::NodeTopic::blob_want), wire::encode(want), 1, false});
  progress.requested_bytes =
      std::min(progress.node_bytes, progress.requested_bytes + uint64_t{kCreditChunks} * wire::kBlobChunkBytes);
  progress.asked = now.mono;
}

// Of a node that is not heard nothing is asked: it would hold a place that others need. A lost attempt's result may
// come after all, also of one that is dead.
bool can_pull(const State& state, const Attempt& attempt) {
  return (!attempt.lost || attempt.result) && state.nodes[attempt.node].state == NodeState::on;
}

void start_pull(State& state, Effects& effects, Now now, Attempt& attempt, wire::Stream stream) {
  StreamProgress& progress = progress_of(attempt, stream);
  if (progress.pulling || progress.have_bytes >= progress.node_bytes || !can_pull(state, attempt)) return;
  if (state.pulling >= kMaxPulls) {
    if (!progress.queued) state.pull_queue.emplace_back(attempt.key, stream);
    progress.queued = true;
    return;
  }
  ++state.pulling;
  progress.pulling = true;
  progress.requested_bytes = progress.have_bytes;
  ask_for_more(state, effects, now, attempt, stream);
}

void start_next_pull(State& state, Effects& effects, Now now) {
  while (state.pulling < kMaxPulls && !state.pull_queue.empty()) {
    const auto [key, stream] = state.pull_queue.front();
    state.pull_queue.pop_front();
    const auto found = state.attempts.find(key);
    if (found == state.attempts.end()) continue;
    progress_of(found->second, stream).queued = false;
    start_pull(state, effects, now, found->second, stream);
  }
}

void end_pull(State& state, StreamProgress& progress) {
  if (!progress.pulling) return;
  progress.pulling = false;
  --state.pulling;
}

bool is_complete(const StreamProgress& progress, const wire::StreamResult& result) {
  return is_inline(result) || progress.have_bytes >= result.kept_bytes;
}

void seal_if_complete(Effects& effects, Attempt& attempt) {
  if (!attempt.result || attempt.sealing) return;
  if (!is_complete(attempt.streams[0], attempt.result->out)) return;
  if (!is_complete(attempt.streams[1], attempt.result->err)) return;
  attempt.sealing = true;
  const auto in_file = [](const wire::StreamResult& result) { return is_inline(result) ? 0 : result.kept_bytes; };
  effects.files.push_back(SealOutput{attempt.key, {in_file(attempt.result->out), in_file(attempt.result->err)}});
}

}  // namespace

bool is_inline(const wire::StreamResult& stream) { return stream.data.size() == stream.kept_bytes; }

void on_output_event(State& state, Effects& effects, Now now, Attempt& attempt, const wire::Output& output) {
  if (attempt.result) return;
  StreamProgress& progress = progress_of(attempt, output.stream);
  progress.node_bytes = std::max({progress.node_bytes, output.size_bytes, output.offset + output.data.size()});
  append(effects, attempt, output.stream, output.offset, output.data);
  start_pull(state, effects, now, attempt, output.stream);
}

void on_output_chunk(State& state, Effects& effects, Now now, const Node& node, const AttemptKey& key,
                     wire::Stream stream, uint64_t offset, std::string_view bytes) {
  const auto found = state.attempts.find(key);
  if (found == state.attempts.end() || &state.nodes[found->second.node] != &node) return;
  Attempt& attempt = found->second;
  StreamProgress& progress = progress_of(attempt, stream);
  if (!progress.pulling) return;
  if (bytes.empty() && attempt.result && offset < progress.node_bytes) {
    return abandon_attempt(state, effects, now, key, "output lost");
  }
  const uint64_t before = progress.have_bytes;
  append(effects, attempt, stream, offset, bytes);
  if (progress.have_bytes > before) progress.asked = now.mono;
  if (progress.have_bytes >= progress.node_bytes) {
    end_pull(state, progress);
    seal_if_complete(effects, attempt);
    start_next_pull(state, effects, now);
  } else {
    ask_for_more(state, effects, now, attempt, stream);
  }
}

void collect_output(State& state, Effects& effects, Now now, Attempt& attempt, wire::Finished result) {
  if (is_inline(result.out) && is_inline(result.err)) {
    return conclude(state, effects, now, attempt.key, result);
  }
  attempt.streams[0].node_bytes = is_inline(result.out) ? attempt.streams[0].have_bytes : result.out.kept_bytes;
  attempt.streams[1].node_bytes = is_inline(result.err) ? attempt.streams[1].have_bytes : result.err.kept_bytes;
  attempt.result = std::move(result);
  for (const auto stream : kStreams) {
    end_pull(state, progress_of(attempt, stream));
    start_pull(state, effects, now, attempt, stream);
  }
  seal_if_complete(effects, attempt);
}

void stop_pulls(State& state, Attempt& attempt) {
  for (auto& progress : attempt.streams) end_pull(state, progress);
}

void retry_pulls(State& state, Effects& effects, Now now) {
  if (!state.connected) return;
  start_next_pull(state, effects, now);
  for (auto& [key, attempt] : state.attempts) {
    if (!can_pull(state, attempt)) {
      stop_pulls(state, attempt);
      continue;
    }
    for (const auto stream : kStreams) {
      StreamProgress& progress = progress_of(attempt, stream);
      if (!progress.pulling) {
        // Broken off when the broker or the node was away.
        if (state.pulling < kMaxPulls) start_pull(state, effects, now, attempt, stream);
      } else if (now.mono - progress.asked > state.config.pull_timeout_ms) {
        progress.requested_bytes = progress.have_bytes;
        ask_for_more(state, effects, now, attempt, stream);
      }
    }
  }
}

void on_output_failed(State& state, Effects&, Now now, const AttemptKey& key, wire::Stream stream,
                      uint64_t have_bytes) {
  const auto found = state.attempts.find(key);
  if (found == state.attempts.end()) return;
  StreamProgress& progress = progress_of(found->second, stream);
  found->second.sealing = false;
  progress.have_bytes = std::min(progress.have_bytes, have_bytes);
  progress.requested_bytes = progress.node_bytes;  // asked for again when the timeout is over: the disk may need room
  progress.asked = now.mono;
  if (!progress.pulling && can_pull(state, found->second)) {
    progress.pulling = true;
    ++state.pulling;
  }
}

void on_output_sealed(State& state, Effects& effects, Now now, const AttemptKey& key) {
  const auto found = state.attempts.find(key);
  if (found == state.attempts.end() || !found->second.sealing) return;
  const wire::Finished result = *found->second.result;
  conclude(state, effects, now, key, result);
}

}  // namespace bramble::aggregator
