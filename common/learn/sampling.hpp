// Which rows are learned from, in which order, and how a mini-batch is cut: functions of seed and sizes alone, so that
// all who take part compute the same without asking each other. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/learn/dataset.hpp"

namespace bramble::learn {

// 0 to count - 1 in an order drawn from the seed.
std::vector<uint32_t> permutation(size_t count, uint64_t seed);

struct Split {
  std::vector<uint32_t> training;
  std::vector<uint32_t> validation;
};

// Sets that share of the rows aside, of each class the same share (and never its last row). 0 <= validation < 1.
Split split_rows(const Dataset& data, double validation, uint64_t seed);

// The training rows in the order of an epoch.
std::vector<uint32_t> epoch_order(const std::vector<uint32_t>& training, uint64_t seed, uint32_t epoch);

struct Range {
  size_t first = 0;
  size_t count = 0;

  bool operator==(const Range&) const = default;
};

size_t step_count(size_t rows, size_t batch);              // steps of an epoch; the last may have fewer rows
Range batch_of(size_t rows, size_t batch, size_t step);    // places in the epoch's order
Range shard_of(Range batch, size_t shards, size_t shard);  // as even as can be, the larger ones first; may be empty

}  // namespace bramble::learn
