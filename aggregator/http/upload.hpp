// A blob on its way in: bytes are gathered into pieces, and workers write the pieces, one at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aggregator/http/http_message.hpp"
#include "aggregator/http/service.hpp"

namespace bramble::aggregator::http {

// One thread at a time but for the workers' part, which is its own. Dropped before the last piece it leaves nothing
// behind; the file is removed on a worker.
class Upload {
 public:
  Upload(Service& service, Slot slot);
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  void gather(std::string_view bytes) { gathered_.append(bytes); }
  bool has_piece() const { return gathered_.size() >= kPieceBytes; }

  // Has a worker write what is gathered; `done` is called there, with the reply where there is one: after the last
  // piece, and where writing failed. False: no worker can take it. Not while one is at it.
  bool write(bool last, std::function<void(std::optional<HttpReply>)> done);

 private:
  static constexpr size_t kPieceBytes = 256 << 10;
  struct Target;

  std::shared_ptr<Service> service_;
  std::shared_ptr<WorkerPool> pool_;
  std::shared_ptr<Target> target_;
  std::string gathered_;
};

}  // namespace bramble::aggregator::http
