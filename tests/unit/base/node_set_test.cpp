#include "common/base/node_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/random.hpp"

namespace bramble {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> expand(std::string_view text) {
  auto names = expand_node_set(text);
  EXPECT_TRUE(names) << text << ": " << (names ? "" : names.error().message);
  return names.value_or(std::vector<std::string>{});
}

std::string complaint(std::string_view text) {
  const auto names = expand_node_set(text);
  EXPECT_FALSE(names) << text;
  return names ? "" : names.error().message;
}

TEST(NodeSet, ExpandsRangesKeepingLeadingZeros) {
  EXPECT_THAT(expand("pi[01-04,7],head"), ElementsAre("pi01", "pi02", "pi03", "pi04", "pi7", "head"));
  EXPECT_THAT(expand("pi[8-11]"), ElementsAre("pi8", "pi9", "pi10", "pi11"));
  EXPECT_THAT(expand("pi[08-11]"), ElementsAre("pi08", "pi09", "pi10", "pi11"));
  EXPECT_THAT(expand("pi[99-101]"), ElementsAre("pi99", "pi100", "pi101"));
}

TEST(NodeSet, MultipliesSeveralBrackets) {
  EXPECT_THAT(expand("r[1-2]n[3,5].lan"), ElementsAre("r1n3.lan", "r1n5.lan", "r2n3.lan", "r2n5.lan"));
}

TEST(NodeSet, NamesEachNodeOnce) { EXPECT_THAT(expand("b,a,b,a[1-2],a2"), ElementsAre("b", "a", "a1", "a2")); }

TEST(NodeSet, LeavesAllAndGroupsToTheirHolder) {
  const auto set = parse_node_set("all,@rack1,pi1,@rack1,@gpu");
  ASSERT_TRUE(set);
  EXPECT_TRUE(set->all);
  EXPECT_THAT(set->groups, ElementsAre("rack1", "gpu"));
  EXPECT_THAT(set->names, ElementsAre("pi1"));
  EXPECT_EQ(complaint("pi1,all"), "'all' cannot be used here; name the nodes");
  EXPECT_EQ(complaint("@gpu"), "the group '@gpu' cannot be used here; name the nodes");
}

TEST(NodeSet, SaysWhatIsWrong) {
  EXPECT_THAT(complaint(""), HasSubstr("empty node set"));
  EXPECT_EQ(complaint("a,,b"), "a name is missing between commas in 'a,,b'");
  EXPECT_EQ(complaint("a,"), "a name is missing between commas in 'a,'");
  EXPECT_EQ(complaint(",a"), "a name is missing between commas in ',a'");
  EXPECT_EQ(complaint("pi[1-4"), "a ']' is missing in 'pi[1-4'");
  EXPECT_EQ(complaint("pi[4-1]"), "the range '4-1' goes backwards");
  EXPECT_EQ(complaint("pi[a-b]"), "not a range of numbers: 'a-b'; write it like 1-4 or 01-04");
  EXPECT_EQ(complaint("pi 1"), "not a node's name: 'pi 1'");
  EXPECT_EQ(complaint("@"), "not a group's name: ''");
}

TEST(NodeSet, RefusesOddBrackets) {
  for (const char* bad : {"pi[]", "pi[1,]", "pi[,1]", "pi[-1]", "pi[1-]", "pi[1-2-3]", "pi[[1]]", "pi]1[", "pi1]",
                          "[1-2", "pi[+1]", "pi[1 -2]", "pi[1234567890]"}) {
    complaint(bad);
  }
}

TEST(NodeSet, LimitsHowManyNamesItMakes) {
  EXPECT_EQ(expand("n[1-10000]").size(), 10'000U);
  for (const char* bad : {"n[1-10001]", "n[0-999999999]", "a[1-6000],b[1-6000]", "n[1-1000]x[1-11]", "n[1-9000,1-9000]",
                          "n[1-99][1-99][1-99][1-99][1-99]"}) {
    EXPECT_EQ(complaint(bad), "more than 10000 node names") << bad;
  }
  EXPECT_EQ(complaint(std::string(70'000, 'a')), "the node set is longer than 64 KiB");
  complaint(std::string(60'000, 'a'));
}

TEST(NodeSet, FoldsBackToTheShortForm) {
  EXPECT_EQ(fold_node_set({"pi03", "pi01", "head", "pi02", "pi7"}), "head,pi[01-03,7]");
  EXPECT_EQ(fold_node_set({"pi1"}), "pi1");
  EXPECT_EQ(fold_node_set({"pi1", "pi2", "pi1"}), "pi[1-2]");
  EXPECT_EQ(fold_node_set({"pi9", "pi10", "pi11"}), "pi[9-11]");
  EXPECT_EQ(fold_node_set({"pi09", "pi10"}), "pi[09-10]");
  EXPECT_EQ(fold_node_set({"pi9", "pi09"}), "pi[9,09]");
  EXPECT_EQ(fold_node_set({"pi", "pi1"}), "pi,pi1");
  EXPECT_EQ(fold_node_set({"n1.lan", "n2.lan", "n2.org"}), "n[1-2].lan,n2.org");
  EXPECT_EQ(fold_node_set({"n12345678901", "n12345678902"}), "n12345678901,n12345678902");
  EXPECT_EQ(fold_node_set({"head", "head"}), "head");
  EXPECT_EQ(fold_node_set({}), "");
}

TEST(NodeSet, FoldsToWhatExpandsToTheSameNames) {
  Random random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> names;
    for (int i = 0; i < 30; ++i) {
      const std::string number = std::to_string(random.below(14));
      names.push_back((random.chance(0.5) ? "pi" : "r1n") + std::string(random.below(3), '0') + number +
                      (random.chance(0.2) ? ".lan" : ""));
    }
    std::vector<std::string> again = expand(fold_node_set(names));
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    EXPECT_THAT(again, testing::UnorderedElementsAreArray(names));
  }
}

}  // namespace
}  // namespace bramble
