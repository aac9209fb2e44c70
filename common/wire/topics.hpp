// The topics, laid out so that an access list by identity is possible: a node writes and reads only below its own name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/wire/messages.hpp"

namespace bramble::wire {

enum class NodeTopic {
  status,
  beat,
  telemetry,
  tasks,
  events,
  inventory,
  checkup,
  control,              // aggregator -> agent: what is wanted of the machine
  blob_get,             // agent -> aggregator
  blob_have,            // agent -> aggregator
  blob_want,            // aggregator -> agent
  blob_down,            // aggregator -> agent, raw; has blob and offset
  blob_up,              // agent -> aggregator, raw; has store, id, stream and offset
  certificate_request,  // agent -> aggregator: the one it has ends soon
  certificate,          // aggregator -> agent
};

struct ParsedTopic {
  std::string node;
  NodeTopic kind = NodeTopic::status;
  std::string sha256;               // blob_down
  bool packed = false;              // blob_down: the chunk was made smaller (common/packing)
  StoreId store;                    // blob_up
  AttemptKey id;                    // blob_up
  Stream stream = Stream::stdout_;  // blob_up
  uint64_t offset = 0;              // blob_down, blob_up
};

// The topic of a chunk that several nodes asked for.
struct SharedChunk {
  std::string sha256;
  uint64_t offset = 0;
  bool packed = false;  // as in blob_down
};

// An alert's topic.
struct AlertTopic {
  std::string alert;
  std::string node;  // empty: of the whole cluster
};

class Topics {
 public:
  explicit Topics(std::string cluster);  // is_valid_name(cluster)

  std::string node(std::string_view node, NodeTopic kind) const;  // not for blob_down and blob_up
  std::string blob_down(std::string_view node, std::string_view sha256, uint64_t offset, bool packed = false) const;
  std::string blob_up(std::string_view node, const StoreId& store, const AttemptKey& id, Stream stream,
                      uint64_t offset) const;
  std::string blob_shared(std::string_view sha256, uint64_t offset, bool packed = false) const;
  std::string aggregator_status() const;
  std::string aggregator_ping() const;                                     // its own, to hear how long the broker takes
  std::string alert(std::string_view alert, std::string_view node) const;  // node empty: of the whole cluster

  // A subscription filter for one kind of topic of every node; of one node's blob chunks: ".../blob/down/#".
  std::string every_node(NodeTopic kind) const;
  std::string blob_down_filter(std::string_view node) const;
  std::string blob_shared_filter(std::string_view sha256) const;  // all chunks of one blob
  std::string every_blob_shared() const;
  std::string every_alert() const;

  // The topic's parts, or an error for one that is not a node's topic of this cluster.
  Result<ParsedTopic> parse(std::string_view topic) const;
  // Nothing for one that is no shared chunk's of this cluster.
  std::optional<SharedChunk> parse_blob_shared(std::string_view topic) const;
  // Nothing for one that is no alert's of this cluster. Its parts may be any text.
  std::optional<AlertTopic> parse_alert(std::string_view topic) const;

 private:
  std::string prefix_;  // "bramble/<cluster>/"
};

}  // namespace bramble::wire
