// Which nodes have which inputs, as they say. A plain value.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace bramble::aggregator {

class BlobPlaces {
 public:
  using Nodes = std::vector<uint32_t>;  // sorted

  // What the node has now: all of it. Bounded by what a message may name, and by the nodes that there may be.
  void set(uint32_t node, std::vector<std::string> blobs);
  void forget(uint32_t node) { set(node, {}); }

  // Null: none. Good until the next change.
  const Nodes* nodes_with(const std::string& sha256) const;

 private:
  void take_out(uint32_t node, const std::string& sha256);

  std::unordered_map<std::string, Nodes> nodes_;
  std::unordered_map<uint32_t, std::vector<std::string>> blobs_;
};

}  // namespace bramble::aggregator
