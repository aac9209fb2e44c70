// Requests that wait - for a disk, for a task's end - side by side, over connections that are kept. One thread at a
// time.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "aggregator/cli/api.hpp"

namespace bramble::cli {

using Connect = std::function<Api()>;

class SideBySide {
 public:
  explicit SideBySide(Connect connect) : connect_(std::move(connect)) {}

  // For requests one by one.
  Api& first();

  // work(api, 0) ... work(api, count - 1), several at once, each with a connection to itself. After an error no more
  // are begun; that of the lowest number is returned.
  Status run(size_t count, const std::function<Status(Api&, size_t)>& work);

 private:
  const Connect connect_;
  std::vector<std::unique_ptr<Api>> connections_;
};

}  // namespace bramble::cli
