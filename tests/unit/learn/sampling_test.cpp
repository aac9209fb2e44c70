#include "common/learn/sampling.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace bramble::learn {
namespace {

using Rows = std::vector<uint32_t>;

Dataset three_classes(size_t rows) {
  Dataset data;
  data.rows = rows;
  data.labels = {"a", "b", "c"};
  for (size_t i = 0; i < rows; ++i) data.classes.push_back(static_cast<uint32_t>(i % 3));
  return data;
}

TEST(LearnSampling, PermutesAllRowsOnce) {
  Rows order = permutation(1000, 5);
  EXPECT_EQ(order, permutation(1000, 5));
  EXPECT_NE(order, permutation(1000, 6));
  std::sort(order.begin(), order.end());
  Rows all(1000);
  std::iota(all.begin(), all.end(), 0U);
  EXPECT_EQ(order, all);
}

TEST(LearnSampling, SetsTheSameShareOfEachClassAside) {
  const Dataset data = three_classes(150);
  const Split split = split_rows(data, 0.2, 1);
  EXPECT_EQ(split.validation.size(), 30U);
  EXPECT_EQ(split.training.size(), 120U);
  for (uint32_t wanted = 0; wanted < 3; ++wanted) {
    EXPECT_EQ(std::count_if(split.validation.begin(), split.validation.end(),
                            [&](uint32_t row) { return data.classes[row] == wanted; }),
              10);
  }
  Rows both = split.training;
  both.insert(both.end(), split.validation.begin(), split.validation.end());
  std::sort(both.begin(), both.end());
  EXPECT_EQ(std::unique(both.begin(), both.end()) - both.begin(), 150);
  EXPECT_NE(split_rows(data, 0.2, 2).validation, split.validation);
}

TEST(LearnSampling, LeavesTheLastRowOfAClassForTraining) {
  const Split split = split_rows(three_classes(3), 0.9, 1);
  EXPECT_EQ(split.training.size(), 3U);
  EXPECT_TRUE(split_rows(three_classes(30), 0, 1).validation.empty());
}

TEST(LearnSampling, HasAnotherOrderInEachEpoch) {
  const Rows training = {4, 8, 15, 16, 23, 42};
  EXPECT_EQ(epoch_order(training, 1, 3), epoch_order(training, 1, 3));
  EXPECT_NE(epoch_order(training, 1, 3), epoch_order(training, 1, 4));
  EXPECT_NE(epoch_order(training, 1, 3), epoch_order(training, 2, 3));
  Rows order = epoch_order(training, 1, 3);
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, training);
}

TEST(LearnSampling, CutsBatchesAndShardsWithoutGapOrOverlap) {
  for (const size_t rows : {1U, 7U, 32U, 33U, 1437U}) {
    for (const size_t shards : {1U, 3U, 4U, 50U}) {
      size_t next = 0;
      for (size_t step = 0; step < step_count(rows, 32); ++step) {
        const Range batch = batch_of(rows, 32, step);
        size_t smallest = SIZE_MAX, largest = 0;
        for (size_t shard = 0; shard < shards; ++shard) {
          const Range range = shard_of(batch, shards, shard);
          EXPECT_EQ(range.first, next);
          next += range.count;
          smallest = std::min(smallest, range.count);
          largest = std::max(largest, range.count);
        }
        EXPECT_LE(largest - smallest, 1U);
      }
      EXPECT_EQ(next, rows);
    }
  }
}

}  // namespace
}  // namespace bramble::learn
