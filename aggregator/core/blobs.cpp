// Inputs: how long they stay.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "aggregator/core/internal.hpp"
#include "common/wire/blob_sharing.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kKeepUnnamedMs = 900'000;  // the other files of the job may be large, and the way here slow
constexpr int64_t kSweepEveryMs = 10'000;
// People call, map and infer with the same large files again and again: these stay where there is room.
constexpr uint64_t kMinLingeringBytes = 64 << 10;  // what is smaller is sent as fast as it is asked for
constexpr size_t kMaxLingering = 256;
constexpr uint64_t kLingeringShare = 8;  // of the quota, at most one such part

bool may_go(const Blob& blob) { return blob.uses == 0 && blob.kept_for == 0; }

void remove(State& state, Effects& effects, const std::string& sha256) {
  const auto found = state.blobs.find(sha256);
  effects.files.push_back(RemoveBlob{sha256, found->second.kept});
  state.blobs.erase(found);
}

void end_lingering(State& state, const std::string& sha256, Blob& blob) {
  if (!blob.lingers) return;
  blob.lingers = false;
  std::erase(state.lingering_blobs, sha256);
  state.lingering_bytes -= blob.size_bytes;
}

void drop_oldest_lingering(State& state, Effects& effects) {
  const std::string sha256 = state.lingering_blobs.front();
  Blob& blob = state.blobs.at(sha256);
  end_lingering(state, sha256, blob);
  if (--blob.kept_for == 0) state.blobs_to_be_named.erase(sha256);
  if (may_go(blob)) remove(state, effects, sha256);
}

void let_linger(State& state, Effects& effects, Now now, const wire::BlobRef& ref) {
  const auto found = state.blobs.find(ref.sha256);
  const uint64_t most_bytes = state.storage.full ? 0 : state.storage.quota_bytes / kLingeringShare;
  if (found == state.blobs.end() || found->second.lingers || found->second.missing) return;
  if (ref.size_bytes < kMinLingeringBytes || ref.size_bytes > most_bytes) return;
  Blob& blob = found->second;
  blob.lingers = true;
  blob.kept = now.mono;
  ++blob.kept_for;
  state.blobs_to_be_named.insert(ref.sha256);
  state.lingering_blobs.push_back(ref.sha256);
  state.lingering_bytes += blob.size_bytes;
  while (state.lingering_bytes > most_bytes || state.lingering_blobs.size() > kMaxLingering) {
    drop_oldest_lingering(state, effects);
  }
}

}  // namespace

void keep_blob(State& state, Now now, const wire::BlobRef& blob) {
  Blob& kept = state.blobs[blob.sha256];
  kept.size_bytes = blob.size_bytes;
  kept.kept = now.mono;
  kept.missing = false;
  ++kept.kept_for;
  state.blobs_to_be_named.insert(blob.sha256);
}

// Whoever uploaded the same bytes besides keeps its claim: each use takes up one upload. What only lingered is asked
// for before it is named (keep_blob), and is taken up by that.
void take_blob(State& state, const wire::BlobRef& blob) {
  Blob& used = state.blobs[blob.sha256];
  used.size_bytes = blob.size_bytes;
  ++used.uses;
  if (used.lingers) {
    end_lingering(state, blob.sha256, used);
    --used.kept_for;
  }
  if (used.kept_for > 0) --used.kept_for;
  if (used.kept_for == 0) state.blobs_to_be_named.erase(blob.sha256);
}

void take_kept_blob(State& state, const wire::BlobRef& blob, uint64_t uses) {
  const bool missing = !state.blobs.contains(blob.sha256);
  Blob& kept = state.blobs[blob.sha256];
  kept.size_bytes = blob.size_bytes;
  kept.uses += uses;
  kept.missing = kept.missing || missing;
}

void drop_blob(State& state, Effects& effects, Now, const wire::BlobRef& blob) {
  const auto found = state.blobs.find(blob.sha256);
  if (found == state.blobs.end() || found->second.uses == 0) return;
  --found->second.uses;
  if (may_go(found->second)) remove(state, effects, blob.sha256);
}

void take_blobs(State& state, const MaybeBlob& stdin_blob, const InputFiles& files) {
  for_each_blob(stdin_blob, files, [&](const wire::BlobRef& blob) { take_blob(state, blob); });
}

void drop_blobs(State& state, Effects& effects, Now now, const MaybeBlob& stdin_blob, const InputFiles& files) {
  for_each_blob(stdin_blob, files, [&](const wire::BlobRef& blob) { drop_blob(state, effects, now, blob); });
}

void drop_job_blobs(State& state, Effects& effects, Now now, const JobSpec& spec) {
  if (spec.stdin_blob) drop_blob(state, effects, now, *spec.stdin_blob);
  for (const wire::InputFile& file : spec.task.files) {
    let_linger(state, effects, now, file.blob);
    drop_blob(state, effects, now, file.blob);
  }
}

uint64_t count_inputs(const MaybeBlob& stdin_blob, const InputFiles& files) {
  return files.size() + (stdin_blob ? 1 : 0);
}

std::optional<ApiReply> refuse_more_inputs(const State& state, uint64_t more) {
  if (state.open_inputs + more <= state.config.max_open_inputs) return {};
  return refuse(503, "the tasks of open jobs name " + std::to_string(state.open_inputs) + " inputs already, and " +
                         std::to_string(more) + " more would be above " + std::to_string(state.config.max_open_inputs) +
                         ": wait until some have ended");
}

std::optional<ApiReply> refuse_blobs(const State& state, const MaybeBlob& stdin_blob, const InputFiles& files) {
  std::optional<ApiReply> refused;
  for_each_blob(stdin_blob, files, [&](const wire::BlobRef& blob) {
    if (!refused) refused = refuse_blob(state, blob);
  });
  return refused;
}

void sweep_blobs(State& state, Effects& effects, Now now) {
  if (now.mono - state.blobs_swept < kSweepEveryMs) return;
  state.blobs_swept = now.mono;
  state.blob_groups.sweep(now.mono);
  while (state.storage.full && !state.lingering_blobs.empty()) drop_oldest_lingering(state, effects);
  std::erase_if(state.blobs_to_be_named, [&](const std::string& sha256) {
    Blob& blob = state.blobs.at(sha256);
    if (now.mono - blob.kept < kKeepUnnamedMs) return false;
    end_lingering(state, sha256, blob);
    blob.kept_for = 0;
    if (may_go(blob)) remove(state, effects, sha256);
    return true;
  });
}

std::optional<ApiReply> refuse_blob(const State& state, const wire::BlobRef& blob) {
  const auto found = state.blobs.find(blob.sha256);
  if (found == state.blobs.end() || found->second.missing) {
    return refuse(409, "the aggregator does not have the input " + blob.sha256 + ": upload it (POST /api/v1/blobs)");
  }
  if (found->second.size_bytes == blob.size_bytes) return {};
  return refuse(400, "the input " + blob.sha256 + " has " + std::to_string(found->second.size_bytes) + " bytes, not " +
                         std::to_string(blob.size_bytes));
}

void expect_pulls(State& state, Now now, const Node& node, const Job& job, const Task& task) {
  const auto index = static_cast<NodeIndex>(&node - state.nodes.data());
  const auto expect = [&](const wire::BlobRef& blob, uint64_t min_bytes) {
    if (blob.size_bytes < min_bytes) return;
    const auto* nodes = state.blob_places.nodes_with(blob.sha256);
    const bool is_there = nodes != nullptr && std::binary_search(nodes->begin(), nodes->end(), index);
    if (!is_there) state.blob_groups.expect(index, blob, now.mono);
  };
  const MaybeBlob& stdin_blob = task.stdin_blob ? task.stdin_blob : job.record.spec.stdin_blob;
  if (stdin_blob) expect(*stdin_blob, wire::kMinSharedStdinBytes);
  for (const auto* files : {&job.record.spec.task.files, &task.files}) {
    for (const wire::InputFile& file : *files) expect(file.blob, 1);
  }
}

namespace {

// To the node that asks as it can read them; to others packed, for else they would be in no group.
void send_chunks(const State& state, Effects& effects, const std::string& sha256, const ChunkSend& send, bool packed) {
  const uint64_t bytes = send.range.end - send.range.begin;
  const auto chunks = static_cast<uint32_t>((bytes + wire::kBlobChunkBytes - 1) / wire::kBlobChunkBytes);
  const std::string node = send.node ? state.nodes[*send.node].record.status.node : "";
  effects.files.push_back(SendBlob{node, sha256, send.range.begin, chunks, packed});
}

}  // namespace

void on_blob_get(State& state, Effects& effects, Now now, const std::string& name, const wire::BlobGet& get) {
  const Node* node = find_node(state, name);
  if (node == nullptr || get.session != node->session) {
    ++state.stale_messages;
    return;
  }
  const auto blob = state.blobs.find(get.sha256);
  const bool is_there = blob != state.blobs.end() && !blob->second.missing;
  const uint64_t size_bytes = is_there ? blob->second.size_bytes : 0;
  if (get.offset >= size_bytes) {  // there is no such blob, which the node is told, or no more of it
    effects.files.push_back(SendBlob{name, get.sha256, get.offset, get.chunks, get.zstd});
    return;
  }
  const auto index = static_cast<NodeIndex>(node - state.nodes.data());
  const uint64_t asked_bytes = uint64_t{get.chunks} * wire::kBlobChunkBytes;
  const BlobRange range{get.offset, get.offset + std::min(asked_bytes, size_bytes - get.offset)};
  BlobGroups& groups = state.blob_groups;
  const auto sends = get.shared && get.zstd ? groups.ask(index, get.sha256, range, now.mono)
                                            : groups.ask_alone(index, get.sha256, range, now.mono);
  for (const ChunkSend& send : sends) {
    send_chunks(state, effects, get.sha256, send, send.node == index ? get.zstd : true);
  }
}

void send_gathered(State& state, Effects& effects, Now now) {
  for (const auto& [sha256, sends] : state.blob_groups.due(now.mono)) {
    for (const ChunkSend& send : sends) send_chunks(state, effects, sha256, send, true);
  }
}

}  // namespace bramble::aggregator
