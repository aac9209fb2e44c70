#include "aggregator/cli/map_shuffle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bramble::cli {
namespace {

using ::testing::ElementsAre;

// A reply with two partitions, of 3 and of 5 bytes, as a task's output begins.
const std::string kBegin("\x15\0\0\0\0\0\0\0\0\3\0\0\0\5\0\0\0", 17);

TEST(PartitionTable, KnowsWhereInAnOutputThePartsLie) {
  PartitionTable table(2);
  EXPECT_EQ(table.begin_bytes(), 17U);
  ASSERT_TRUE(table.add(7, kBegin, 25));
  ASSERT_TRUE(table.add(8, kBegin + "more of it", 25));
  ASSERT_EQ(table.partitions()[0].size(), 2U);
  EXPECT_EQ(table.partitions()[0][0].task, 7U);
  EXPECT_EQ(table.partitions()[0][0].offset, 17U);
  EXPECT_EQ(table.partitions()[0][0].size_bytes, 3U);
  EXPECT_EQ(table.partitions()[1][1].task, 8U);
  EXPECT_EQ(table.partitions()[1][1].offset, 20U);
  EXPECT_EQ(table.partitions()[1][1].size_bytes, 5U);
}

TEST(PartitionTable, LeavesEmptyPartsOut) {
  PartitionTable table(2);
  std::string begin = kBegin;
  begin[9] = 0;
  ASSERT_TRUE(table.add(0, begin, 22));
  EXPECT_TRUE(table.partitions()[0].empty());
  EXPECT_EQ(table.partitions()[1].at(0).offset, 17U);
}

TEST(PartitionTable, RefusesWhatIsNoOutputOfAMap) {
  PartitionTable table(2);
  EXPECT_FALSE(table.add(0, kBegin.substr(0, 16), 25)) << "cut off";
  EXPECT_FALSE(table.add(0, kBegin, 24)) << "the lengths say more";
  EXPECT_FALSE(table.add(0, kBegin, 26)) << "the lengths say less";
  std::string failed = kBegin;
  failed[8] = 1;
  EXPECT_FALSE(table.add(0, failed, 25));
  EXPECT_TRUE(table.partitions()[0].empty()) << "nothing of them is taken";
}

TEST(ShuffleCommand, NamesKernelOrCommand) {
  EXPECT_THAT(shuffle_command("wordcount", "tally", 3, {}),
              ElementsAre("mapreduce", "map", "--partitions", "3", "--kernel", "wordcount", "--combine", "tally"));
  EXPECT_THAT(shuffle_command("", "", 1, {"cat", "-n"}),
              ElementsAre("mapreduce", "map", "--partitions", "1", "--", "cat", "-n"));
}

}  // namespace
}  // namespace bramble::cli
