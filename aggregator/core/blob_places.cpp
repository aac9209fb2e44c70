#include "aggregator/core/blob_places.hpp"

#include <algorithm>
#include <utility>

namespace bramble::aggregator {

void BlobPlaces::set(uint32_t node, std::vector<std::string> blobs) {
  if (const auto known = blobs_.find(node); known != blobs_.end()) {
    for (const std::string& sha256 : known->second) take_out(node, sha256);
    blobs_.erase(known);
  }
  if (blobs.empty()) return;
  for (const std::string& sha256 : blobs) {
    Nodes& nodes = nodes_[sha256];
    const auto place = std::lower_bound(nodes.begin(), nodes.end(), node);
    if (place == nodes.end() || *place != node) nodes.insert(place, node);
  }
  blobs_[node] = std::move(blobs);
}

// A node may have named one blob twice.
void BlobPlaces::take_out(uint32_t node, const std::string& sha256) {
  const auto found = nodes_.find(sha256);
  if (found == nodes_.end()) return;
  std::erase(found->second, node);
  if (found->second.empty()) nodes_.erase(found);
}

const BlobPlaces::Nodes* BlobPlaces::nodes_with(const std::string& sha256) const {
  const auto found = nodes_.find(sha256);
  return found == nodes_.end() ? nullptr : &found->second;
}

}  // namespace bramble::aggregator
