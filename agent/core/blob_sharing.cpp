// Inputs that several nodes pull at the same time: their chunks come once for all, on a topic that is read meanwhile.
//
// The aggregator decides who is answered together. What it answers on this node's own topic, or what does not come
// without a gap, ends that for the blob: the node goes on alone.
#include "agent/core/internal.hpp"

namespace bramble::agent {

// Only from the beginning: who comes later is answered alone.
void share_pull(const State& state, Effects& effects, const std::string& sha256, Blob& blob) {
  if (blob.shared || !blob.may_share || state.bulk.phase != Link::Phase::up) return;
  blob.shared = true;
  effects.subscriptions.push_back({state.topics.blob_shared_filter(sha256), true});
}

void stop_sharing(const State& state, Effects& effects, const std::string& sha256, Blob& blob) {
  if (!blob.shared) return;
  blob.shared = false;
  effects.subscriptions.push_back({state.topics.blob_shared_filter(sha256), false});
}

// The broker has forgotten what was subscribed by it.
void note_bulk_lost(Blobs& blobs) {
  for (const std::string& sha256 : blobs.active) blobs.known.at(sha256).shared = false;
}

}  // namespace bramble::agent
