#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "agent/kernels/mapreduce/lines.hpp"
#include "common/base/keyed_line.hpp"

namespace bramble::mapreduce {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string merged(std::string_view text) {
  Merge merge(sorted_runs(text));
  std::string all;
  for (std::string_view line; merge.next(line);) (all += line) += '\n';
  return all;
}

TEST(KeyedLines, AreInTheOrderOfTheirKeysThenOfTheirBytes) {
  EXPECT_TRUE(comes_before("a\t9", "b\t1"));
  EXPECT_TRUE(comes_before("a\t1", "a\t2"));
  EXPECT_TRUE(comes_before("a\t9", "a b\t1")) << "a key that is the begin of another comes before it";
  EXPECT_TRUE(comes_before("a\t9", "a\x01\t1")) << "whatever byte comes after it, also one below the tab";
  EXPECT_TRUE(comes_before("z", "\xc3\xa9"));
  EXPECT_FALSE(comes_before("a\t1", "a\t1"));
  EXPECT_EQ(key_of("no tab"), "no tab");
}

TEST(Lines, AreSplitAtNewlinesAndTheLastMayLackIts) {
  EXPECT_THAT(split_lines("a\n\nb"), ElementsAre("a", "", "b"));
  EXPECT_THAT(split_lines("a\n"), ElementsAre("a"));
  EXPECT_THAT(split_lines(""), IsEmpty());
}

TEST(Partitions, HoldEachLineOnceAndLinesOfAKeyTogether) {
  const std::vector<std::string_view> lines{"a\t1", "a\t2", "b\t1", "c", "d\t4"};
  const auto parts = partition(lines, 3);
  ASSERT_EQ(parts.size(), 3U);
  size_t count = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    for (const auto line : split_lines(parts[i])) {
      EXPECT_EQ(partition_of(key_of(line), 3), i) << line;
      ++count;
    }
  }
  EXPECT_EQ(count, lines.size());
  EXPECT_EQ(partition_of("a", 1), 0U);
}

TEST(Partitions, AreTheSameOnEveryNodeAndAboutEven) {
  EXPECT_EQ(partition_of("bramble", 1 << 16), 61692U) << "as it was on the first day: nodes of two versions must agree";
  std::vector<int> counts(8);
  for (int i = 0; i < 8000; ++i) ++counts[partition_of("key" + std::to_string(i), counts.size())];
  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
}

TEST(Partitions, AreTakenApartByTheLengthsInFront) {
  EXPECT_EQ(with_lengths({"ab\n", "", "c\n"}), std::string("\3\0\0\0\0\0\0\0\2\0\0\0ab\nc\n", 17));
}

TEST(SortedRuns, BeginWhereTheOrderBreaks) {
  EXPECT_THAT(sorted_runs("a\nb\nb\na\nc\n"), ElementsAre("a\nb\nb\n", "a\nc\n"));
  EXPECT_THAT(sorted_runs("a\nb"), ElementsAre("a\nb"));
  EXPECT_THAT(sorted_runs("b\na"), ElementsAre("b\n", "a"));
  EXPECT_THAT(sorted_runs(""), IsEmpty());
  EXPECT_THAT(sorted_runs("\n\na\n"), ElementsAre("\n\na\n"));
}

TEST(Merge, GivesTheLinesOfAllRunsInOrder) {
  EXPECT_EQ(merged("a\t1\nc\t1\na\t2\nb\t1\n"), "a\t1\na\t2\nb\t1\nc\t1\n");
  EXPECT_EQ(merged("b\na"), "a\nb\n");
  EXPECT_EQ(merged(""), "");
  EXPECT_EQ(merged("\n\n"), "\n\n");
}

TEST(Merge, IsWhatSortingAllWouldBe) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::string text;
    std::vector<std::string> all;
    for (unsigned run = 0; run < random() % 20; ++run) {
      std::vector<std::string> lines;
      for (unsigned i = 0; i < random() % 30; ++i) {
        lines.push_back(std::string(random() % 3, static_cast<char>('a' + random() % 3)) + "\t" +
                        std::to_string(random() % 10));
      }
      std::sort(lines.begin(), lines.end(), comes_before);
      for (const auto& line : lines) text += line + "\n";
      all.insert(all.end(), lines.begin(), lines.end());
    }
    std::sort(all.begin(), all.end(), comes_before);
    std::string expected;
    for (const auto& line : all) expected += line + "\n";
    ASSERT_EQ(merged(text), expected);
  }
}

}  // namespace
}  // namespace bramble::mapreduce
