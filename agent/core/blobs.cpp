// Inputs of tasks, standard input and files: pulled in chunks against credit before the task may start, kept while a
// held attempt names them.
//
// What nobody needs any more stays as a cache, and is looked at again before it is used.
#include <algorithm>

#include "agent/core/internal.hpp"
#include "common/wire/blob_sharing.hpp"
#include "common/wire/codec.hpp"

namespace bramble::agent {
namespace {

uint64_t chunks_in(uint64_t bytes) { return (bytes + wire::kBlobChunkBytes - 1) / wire::kBlobChunkBytes; }

// Asks for what the credit leaves room for, from where the last request ended.
void request(State& state, Effects& effects, const std::string& sha256, Blob& blob) {
  const uint64_t under_way = chunks_in(blob.requested_bytes - blob.received_bytes);
  const uint64_t missing = chunks_in(blob.size_bytes - blob.requested_bytes);
  const uint64_t chunks = std::min(missing, kBlobCreditChunks - std::min<uint64_t>(under_way, kBlobCreditChunks));
  if (chunks == 0) return;
  const auto credit = static_cast<uint32_t>(chunks);
  const wire::BlobGet get{state.session.id, sha256, blob.requested_bytes, credit, true, blob.shared};
  effects.publish.push_back(
      {state.topics.node(state.config.node, wire::NodeTopic::blob_get), wire::encode(get), 1, false, false});
  blob.requested_bytes = std::min(blob.size_bytes, blob.requested_bytes + chunks * wire::kBlobChunkBytes);
}

void request_from_first_missing(State& state, Effects& effects, Now now, const std::string& sha256, Blob& blob) {
  blob.requested_bytes = blob.received_bytes;
  blob.progress = now.mono;
  request(state, effects, sha256, blob);
}

// Something is missing, or nothing came: what others get does not help any more.
void request_alone(State& state, Effects& effects, Now now, const std::string& sha256, Blob& blob) {
  stop_sharing(state, effects, sha256, blob);
  request_from_first_missing(state, effects, now, sha256, blob);
}

void request_together(State& state, Effects& effects, Now now, const std::string& sha256, Blob& blob) {
  if (blob.received_bytes > 0) return request_alone(state, effects, now, sha256, blob);
  share_pull(state, effects, sha256, blob);
  request_from_first_missing(state, effects, now, sha256, blob);
}

void no_longer_active(Blobs& blobs, const std::string& sha256) { std::erase(blobs.active, sha256); }

void all_received(const State& state, Effects& effects, const std::string& sha256, Blob& blob) {
  stop_sharing(state, effects, sha256, blob);
  blob.phase = Blob::Phase::checking;
  effects.blobs.emplace_back(BlobCheck{sha256});
}

void fail_holders(State& state, Effects& effects, Now now, const std::string& sha256, const std::string& why) {
  const std::set<AttemptKey> holders = state.blobs.known.at(sha256).holders;  // finishing changes the list
  for (const AttemptKey& id : holders) {
    if (state.tasks.held.at(id).phase != Phase::fetching) continue;
    finish_unstarted(state, effects, now, id, wire::Outcome::start_failed, why);
  }
}

void pull_again(State& state, Effects& effects, Now now, const std::string& sha256, Blob& blob) {
  if (++blob.damaged > kMaxDamagedPulls) {
    return fail_holders(state, effects, now, sha256, "blob " + sha256 + " arrived damaged again and again");
  }
  blob.phase = Blob::Phase::pulling;
  blob.received_bytes = 0;
  request_from_first_missing(state, effects, now, sha256, blob);
}

void forget_idle(Blobs& blobs, Effects& effects, std::map<uint64_t, std::string>::iterator entry) {
  const auto found = blobs.known.find(entry->second);
  blobs.idle_bytes -= found->second.size_bytes;
  note_blob_goes(blobs, found->second);
  effects.blobs.emplace_back(BlobDrop{found->first});
  blobs.known.erase(found);
  blobs.idle.erase(entry);
}

// The least recently used go first.
void shrink_cache(Blobs& blobs, Effects& effects, uint64_t max_bytes) {
  while (blobs.idle_bytes > max_bytes) forget_idle(blobs, effects, blobs.idle.begin());
}

uint64_t cache_limit(const State& state) {
  const Blobs& blobs = state.blobs;
  if (!blobs.free_bytes) return state.config.max_cache_bytes;
  return std::min(state.config.max_cache_bytes, (*blobs.free_bytes + blobs.idle_bytes) / kCacheShare);
}

// No attempt needs it any more, but one of the same job or of tomorrow's may.
void keep_idle(State& state, Effects& effects, const std::string& sha256, Blob& blob) {
  Blobs& blobs = state.blobs;
  blobs.bytes -= blob.size_bytes;
  blob.idle = ++blobs.last_idle;
  blobs.idle.emplace(blob.idle, sha256);
  blobs.idle_bytes += blob.size_bytes;
  shrink_cache(blobs, effects, cache_limit(state));
}

// It lay there unwatched: it is looked at again before anybody gets it.
void wake(State& state, Effects& effects, const std::string& sha256, Blob& blob) {
  Blobs& blobs = state.blobs;
  blobs.idle.erase(blob.idle);
  blob.idle = 0;
  blobs.idle_bytes -= blob.size_bytes;
  blobs.bytes += blob.size_bytes;
  blob.phase = Blob::Phase::checking;
  blobs.active.push_back(sha256);
  effects.blobs.emplace_back(BlobCheck{sha256});
}

// A full disk passes: the pull waits, and the aggregator may recall the attempts meanwhile.
void try_later(State& state, Effects& effects, Now now, const std::string& sha256, Blob& blob) {
  no_longer_active(state.blobs, sha256);
  state.blobs.bytes -= blob.size_bytes;
  note_blob_goes(state.blobs, blob);
  stop_sharing(state, effects, sha256, blob);
  blob.phase = Blob::Phase::waiting;
  blob.received_bytes = 0;
  blob.not_before = now.mono + kBlobRetryMs;
  state.blobs.waiting.push_back(sha256);
  effects.blobs.emplace_back(BlobDrop{sha256});
  shrink_cache(state.blobs, effects, 0);
}

// Room is made by attempts that have all that they need, when they end. Where all that hold room wait for more, none
// ever would: then what is first in order is pulled all the same.
bool will_make_room(const State& state) {
  return std::any_of(state.blobs.known.begin(), state.blobs.known.end(), [&](const auto& entry) {
    const auto& holders = entry.second.holders;
    return std::any_of(holders.begin(), holders.end(),
                       [&](const AttemptKey& id) { return state.tasks.held.at(id).phase != Phase::fetching; });
  });
}

bool may_pull(const State& state, Now now, const Blob& blob) {
  if (blob.not_before > now.mono) return false;
  if (state.blobs.bytes + blob.size_bytes <= state.config.max_blob_bytes) return true;
  return state.blobs.active.empty() && !will_make_room(state);
}

void hold(State& state, Effects& effects, const AttemptKey& id, Attempt& attempt, const wire::BlobRef& ref,
          uint64_t min_shared_bytes) {
  if (ref.size_bytes == 0) return;
  const auto [entry, is_new] = state.blobs.known.try_emplace(ref.sha256);
  Blob& blob = entry->second;
  if (is_new) {
    blob.size_bytes = ref.size_bytes;
    state.blobs.waiting.push_back(ref.sha256);
  }
  blob.may_share = blob.may_share || ref.size_bytes >= min_shared_bytes;
  if (blob.idle != 0) wake(state, effects, ref.sha256, blob);
  const bool named_before = !blob.holders.insert(id).second;
  if (!named_before && blob.phase != Blob::Phase::ready) ++attempt.blobs_missing;
}

void release(State& state, Effects& effects, const AttemptKey& id, const std::string& sha256) {
  const auto found = state.blobs.known.find(sha256);
  if (found == state.blobs.known.end() || found->second.holders.erase(id) == 0) return;
  if (!found->second.holders.empty()) return;
  if (found->second.phase == Blob::Phase::ready) return keep_idle(state, effects, sha256, found->second);
  if (found->second.phase != Blob::Phase::waiting) {
    state.blobs.bytes -= found->second.size_bytes;
    effects.blobs.emplace_back(BlobDrop{found->first});
  }
  stop_sharing(state, effects, sha256, found->second);
  no_longer_active(state.blobs, found->first);
  note_blob_goes(state.blobs, found->second);
  state.blobs.known.erase(found);
}

}  // namespace

void hold_blobs(State& state, Effects& effects, const AttemptKey& id, Attempt& attempt, const wire::Launch& launch) {
  attempt.files = launch.files;
  if (launch.stdin_blob && launch.stdin_blob->size_bytes > 0) {
    attempt.stdin_sha256 = launch.stdin_blob->sha256;
    hold(state, effects, id, attempt, *launch.stdin_blob, wire::kMinSharedStdinBytes);
  }
  for_each_file(attempt, [&](const wire::InputFile& file) { hold(state, effects, id, attempt, file.blob, 1); });
  if (attempt.blobs_missing == 0) make_ready_to_start(state, id, attempt);
}

void release_blobs(State& state, Effects& effects, const AttemptKey& id, Attempt& attempt) {
  release(state, effects, id, attempt.stdin_sha256);
  attempt.stdin_sha256.clear();
  for_each_file(attempt, [&](const wire::InputFile& file) { release(state, effects, id, file.blob.sha256); });
  attempt.files = {};
  attempt.blobs_missing = 0;
}

void fit_cache(State& state, Effects& effects, const Reading& reading) {
  const auto free_bytes = reading.values.find("disk_free_bytes");
  if (free_bytes == reading.values.end() || free_bytes->second < 0) return;
  state.blobs.free_bytes = static_cast<uint64_t>(free_bytes->second);
  shrink_cache(state.blobs, effects, cache_limit(state));
}

std::string blob_path(const State& state, const wire::BlobRef& blob) {
  return blob.size_bytes == 0 ? std::string() : state.config.blob_dir + "/" + blob.sha256;
}

void begin_pulls(State& state, Effects& effects, Now now) {
  Blobs& blobs = state.blobs;
  if (state.session.id == 0) return;
  while (!blobs.waiting.empty() && blobs.active.size() < kMaxBlobPulls) {
    const std::string sha256 = blobs.waiting.front();
    const auto found = blobs.known.find(sha256);
    const bool waits = found != blobs.known.end() && found->second.phase == Blob::Phase::waiting;
    if (waits && !may_pull(state, now, found->second)) return;
    blobs.waiting.pop_front();
    if (!waits) continue;
    found->second.phase = Blob::Phase::pulling;
    blobs.active.push_back(sha256);
    blobs.bytes += found->second.size_bytes;
    request_together(state, effects, now, sha256, found->second);
  }
}

void resume_pulls(State& state, Effects& effects, Now now) {
  if (state.session.id == 0) return;
  for (const std::string& sha256 : state.blobs.active) {
    Blob& blob = state.blobs.known.at(sha256);
    if (blob.phase == Blob::Phase::pulling) request_together(state, effects, now, sha256, blob);
  }
}

void repeat_pulls(State& state, Effects& effects, Now now) {
  if (state.session.id == 0) return;
  for (const std::string& sha256 : state.blobs.active) {
    Blob& blob = state.blobs.known.at(sha256);
    const bool silent = blob.phase == Blob::Phase::pulling && blob.progress + kRepeatMs <= now.mono;
    if (silent) request_alone(state, effects, now, sha256, blob);
  }
}

void handle_blob_chunk(State& state, Effects& effects, Now now, const Chunk& chunk) {
  const auto found = state.blobs.known.find(chunk.sha256);
  if (found == state.blobs.known.end() || found->second.phase != Blob::Phase::pulling) return;
  Blob& blob = found->second;
  const auto& [sha256, offset, data, to_all] = chunk;
  if (data.empty() && offset == 0) {
    return fail_holders(state, effects, now, sha256, "the aggregator does not have blob " + sha256);
  }
  const bool is_missed = to_all && blob.shared && offset > blob.received_bytes;
  if (is_missed) return request_alone(state, effects, now, sha256, blob);
  const bool is_next = offset == blob.received_bytes;  // others came before, or will be asked for again
  if (!is_next || data.empty() || data.size() > std::min<uint64_t>(wire::kBlobChunkBytes, blob.size_bytes - offset)) {
    return;
  }
  effects.blobs.emplace_back(BlobWrite{sha256, offset, std::string(data)});
  blob.received_bytes += data.size();
  blob.requested_bytes = std::max(blob.requested_bytes, blob.received_bytes);
  blob.progress = now.mono;
  if (!to_all) stop_sharing(state, effects, sha256, blob);
  if (blob.received_bytes == blob.size_bytes) return all_received(state, effects, sha256, blob);
  const bool half_empty = chunks_in(blob.requested_bytes - blob.received_bytes) <= kBlobCreditChunks / 2;
  if (half_empty) request(state, effects, sha256, blob);
}

void on_blob_ready(State& state, Effects&, Now, std::string_view sha256) {
  const auto found = state.blobs.known.find(std::string(sha256));
  if (found == state.blobs.known.end() || found->second.phase != Blob::Phase::checking) return;
  found->second.phase = Blob::Phase::ready;
  found->second.damaged = 0;
  note_blob_came(state.blobs, found->second);
  no_longer_active(state.blobs, found->first);
  for (const AttemptKey& id : found->second.holders) {
    Attempt& attempt = state.tasks.held.at(id);
    if (attempt.phase == Phase::fetching && --attempt.blobs_missing == 0) make_ready_to_start(state, id, attempt);
  }
}

void on_blob_failed(State& state, Effects& effects, Now now, std::string_view sha256, BlobFailure failure,
                    std::string_view why) {
  const auto found = state.blobs.known.find(std::string(sha256));
  if (found == state.blobs.known.end()) return;
  Blob& blob = found->second;
  if (blob.phase != Blob::Phase::pulling && blob.phase != Blob::Phase::checking) return;
  const std::string name = found->first;
  if (failure == BlobFailure::damaged) return pull_again(state, effects, now, name, blob);
  say_once(state, effects, "blob disk", "an input could not be stored: " + shortened(why, 300) + "; trying again");
  try_later(state, effects, now, name, blob);
}

}  // namespace bramble::agent
