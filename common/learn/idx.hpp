// IDX files, as MNIST comes in: numbers of one kind in some dimensions. Here bytes, in at most four, uncompressed.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace bramble::learn {

struct IdxData {
  std::vector<uint32_t> sizes;  // of each dimension; the first counts rows
  std::string_view bytes;       // of the text that was read
};

// least..most: how many dimensions there may be.
Result<IdxData> read_idx(const std::string& text, const std::string& name, size_t least, size_t most);

}  // namespace bramble::learn
