// What lies on this node already, told to the aggregator, which then sends tasks that need it here first.
#include "agent/core/internal.hpp"
#include "common/wire/codec.hpp"

namespace bramble::agent {
namespace {

bool is_worth_telling(const Blob& blob) { return blob.size_bytes >= wire::kMinBlobHeldBytes; }

// Those in use first: they stay.
std::vector<std::string> told_blobs(const Blobs& blobs) {
  std::vector<std::string> told;
  for (const auto& [sha256, blob] : blobs.known) {
    if (told.size() == wire::kMaxBlobsHeld) return told;
    if (blob.told && blob.idle == 0) told.push_back(sha256);
  }
  for (auto entry = blobs.idle.rbegin(); entry != blobs.idle.rend() && told.size() < wire::kMaxBlobsHeld; ++entry) {
    if (blobs.known.at(entry->second).told) told.push_back(entry->second);
  }
  return told;
}

}  // namespace

void note_blob_came(Blobs& blobs, Blob& blob) {
  if (blob.told || !is_worth_telling(blob)) return;
  blob.told = true;
  blobs.telling.changed = true;
}

void note_blob_goes(Blobs& blobs, Blob& blob) {
  if (!blob.told) return;
  blob.told = false;
  blobs.telling.changed = true;
}

void tell_blobs(State& state, Effects& effects, Now now) {
  Telling& telling = state.blobs.telling;
  const SessionId session = state.session.id;
  if (session == 0) return;
  const bool is_new = telling.said_in != session;
  if (!is_new && (!telling.changed || now.mono < telling.not_before)) return;
  telling.said_in = session;
  telling.changed = false;
  wire::BlobHave have{session, told_blobs(state.blobs)};
  if (is_new && have.blobs.empty()) return;  // what it was not told of it does not count on
  telling.not_before = now.mono + kTellBlobsMs;
  effects.publish.push_back(
      {state.topics.node(state.config.node, wire::NodeTopic::blob_have), wire::encode(have), 1, false, false});
}

MonoTime next_telling(const State& state, MonoTime wake) {
  const Telling& telling = state.blobs.telling;
  return state.session.id != 0 && telling.changed ? std::min(wake, telling.not_before) : wake;
}

}  // namespace bramble::agent
