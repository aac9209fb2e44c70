// Requests of several nodes for the same chunks, gathered for a moment so that these are sent once. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/clock.hpp"

namespace bramble::aggregator {

struct ChunkRange {
  std::string sha256;
  uint64_t offset = 0;
  uint32_t chunks = 0;
  bool packed = false;

  auto operator<=>(const ChunkRange&) const = default;
};

// To one node alone, or once to several.
struct ChunkSend {
  ChunkRange range;
  std::vector<uint32_t> nodes;  // sorted
};

// Nodes that were answered together are expected to ask together again: when all of them have asked, nobody waits any
// longer. One that was answered alone is answered at once from then on.
class BlobGroups {
 public:
  static constexpr int64_t kGatherMs = 100;     // a request waits at most so long for others
  static constexpr int64_t kForgetMs = 10'000;  // after a node's last request for a blob

  // A node that reads the shared topic asks. What is to be sent now.
  std::vector<ChunkSend> ask(uint32_t node, const ChunkRange& range, MonoTime now);
  // What has waited long enough.
  std::vector<ChunkSend> due(MonoTime now);
  std::optional<MonoTime> next_due() const;  // nothing waits: none
  void forget(uint32_t node);                // it has a new session, or is gone

 private:
  struct Waiting {
    std::set<uint32_t> nodes;
    MonoTime due;
  };
  struct Group {
    std::set<uint32_t> nodes;
    MonoTime answered;
  };
  using Key = std::pair<uint32_t, std::string>;  // node, blob

  bool all_have_asked(uint32_t node, const std::string& sha256, const Waiting& waiting) const;
  ChunkSend answer(std::map<ChunkRange, Waiting>::iterator entry, MonoTime now);

  std::map<ChunkRange, Waiting> waiting_;
  std::map<Key, Group> groups_;  // of each node, by its last answer
};

}  // namespace bramble::aggregator
