// Inputs that several nodes pull at once: each chunk of such a one is sent once, to all of them. Pure.
//
// The nodes that were sent tasks which need a blob are expected to ask for it. When all of them have asked, or the
// first has waited long enough, those that have asked are a group: whoever of it asks for more gets it for all, and the
// others find it on their way before they ask. Who comes later, misses something or no longer keeps up is answered
// alone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/clock.hpp"
#include "common/wire/messages.hpp"

namespace bramble::aggregator {

struct BlobRange {
  uint64_t begin = 0;
  uint64_t end = 0;

  bool operator==(const BlobRange&) const = default;
};

struct ChunkSend {
  std::optional<uint32_t> node;  // absent: to all that read the blob's shared topic
  BlobRange range;

  bool operator==(const ChunkSend&) const = default;
};

class BlobGroups {
 public:
  using Sends = std::vector<ChunkSend>;
  struct Due {
    std::string sha256;
    Sends sends;
  };

  static constexpr int64_t kGatherMs = 20;      // the first waits so long for the others, ...
  static constexpr int64_t kMaxGatherMs = 100;  // ... and a millisecond more for each chunk that the blob has, to this
  static constexpr uint64_t kAheadBytes = 64 * wire::kBlobChunkBytes;  // of the slowest of a group
  static constexpr int64_t kForgetMs = 10'000;                         // after the last that was heard of a blob
  static constexpr size_t kMaxBlobs = 4096;                            // others are sent to each node alone,
  static constexpr size_t kMaxNodes = 256;                             // and so are more nodes than this

  // The node is being sent a task that needs the blob, and does not have it as far as is known.
  void expect(uint32_t node, const wire::BlobRef& blob, MonoTime now);
  // A node that reads the blob's shared topic asks for more. What is to be sent now.
  Sends ask(uint32_t node, const std::string& sha256, BlobRange range, MonoTime now);
  // One that does not, or no longer.
  Sends ask_alone(uint32_t node, const std::string& sha256, BlobRange range, MonoTime now);

  std::vector<Due> due(MonoTime now);          // what has waited long enough
  std::optional<MonoTime> next_due() const;    // nothing waits: none
  void sweep(MonoTime now);                    // once in a while
  void forget(uint32_t node);                  // it has a new session, or is not heard, or is gone
  size_t size() const { return all_.size(); }  // blobs that are known of

 private:
  enum class Phase { gathering, together, apart };
  struct Group {
    uint64_t size_bytes = 0;
    Phase phase = Phase::gathering;
    std::map<uint32_t, uint64_t> asked;  // by each of its nodes: up to here. 0: it is expected
    std::set<uint32_t> came;             // asked at some time: they need not be expected again
    uint64_t sent = 0;                   // to all: up to here
    std::optional<MonoTime> due;         // somebody waits, at most until then
    MonoTime heard;
  };
  using Entry = std::unordered_map<std::string, Group>::iterator;

  void wait_until(Entry entry, std::optional<MonoTime> due);
  Sends advance(Entry entry, MonoTime now);
  void send_to_all(Entry entry, Sends& sends, MonoTime now);
  Sends part(Entry entry);
  Sends stop_waiting(Entry entry, MonoTime now);

  std::unordered_map<std::string, Group> all_;          // by SHA-256
  std::set<std::pair<MonoTime, std::string>> waiting_;  // those that have a `due`
};

}  // namespace bramble::aggregator
