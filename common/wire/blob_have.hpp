// node/<node>/blob/have: which inputs lie on a node already. Messages.hpp includes this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/ids.hpp"

namespace bramble::wire {

inline constexpr size_t kMaxBlobsHeld = 100;             // named in one message
inline constexpr uint64_t kMinBlobHeldBytes = 64 << 10;  // a smaller one is sent faster than it is talked about

// All that the node wants to be known for; the newest message counts. A hint: what is named may be gone by now.
struct BlobHave {
  SessionId session = 0;
  std::vector<std::string> blobs;  // SHA-256, those used last first

  bool operator==(const BlobHave&) const = default;
};

}  // namespace bramble::wire
