#include "common/learn/sampling.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "common/base/random.hpp"

namespace bramble::learn {
namespace {

// What a seed is used for, so that no two uses draw the same numbers. initial_parameters() takes the seed itself.
constexpr uint64_t kForSplit = 0x5ead5011d;
constexpr uint64_t kForEpochs = 0xe90c45;

}  // namespace

std::vector<uint32_t> permutation(size_t count, uint64_t seed) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  Random random(seed);
  for (size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

Split split_rows(const Dataset& data, double validation, uint64_t seed) {
  const bool by_class = !data.classes.empty();
  const auto class_of = [&](uint32_t row) { return by_class ? data.classes[row] : 0; };
  std::vector<size_t> wanted(by_class ? data.labels.size() : 1, 0);
  for (uint32_t row = 0; row < data.rows; ++row) ++wanted[class_of(row)];
  for (size_t& count : wanted) {
    const auto share = static_cast<size_t>(std::floor(static_cast<double>(count) * validation + 0.5));
    count = std::min(share, count == 0 ? 0 : count - 1);
  }
  Split split;
  for (const uint32_t row : permutation(data.rows, mix(seed ^ kForSplit))) {
    size_t& left = wanted[class_of(row)];
    (left > 0 ? split.validation : split.training).push_back(row);
    if (left > 0) --left;
  }
  return split;
}

std::vector<uint32_t> epoch_order(const std::vector<uint32_t>& training, uint64_t seed, uint32_t epoch) {
  std::vector<uint32_t> order = permutation(training.size(), mix(mix(seed ^ kForEpochs) + epoch));
  for (uint32_t& place : order) place = training[place];
  return order;
}

size_t step_count(size_t rows, size_t batch) { return (rows + batch - 1) / batch; }

Range batch_of(size_t rows, size_t batch, size_t step) {
  const size_t first = std::min(rows, step * batch);
  return {first, std::min(batch, rows - first)};
}

Range shard_of(Range batch, size_t shards, size_t shard) {
  const size_t least = batch.count / shards, larger = batch.count % shards;
  return {batch.first + shard * least + std::min(shard, larger), least + (shard < larger ? 1 : 0)};
}

}  // namespace bramble::learn
