// Blobs that are read again as a whole, on a thread of its own: a failing card may take long over a read, and neither
// beats nor leases wait for it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::runner {

class BlobProofs {
 public:
  struct Proof {
    uint64_t number = 0;
    std::string sha256;
    Status status;  // conflict: the file's bytes are not those, or cannot be read
  };

  BlobProofs();
  ~BlobProofs();  // waits for no read
  BlobProofs(BlobProofs&&) noexcept = default;
  BlobProofs& operator=(BlobProofs&&) = delete;

  // Called on that thread when take() has something. Before the first ask().
  void on_proof(std::function<void()> wake);

  // One after the other, in order. The thread lives while there is something to do.
  void ask(uint64_t number, std::string sha256, std::string path);
  std::vector<Proof> take();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace bramble::runner
