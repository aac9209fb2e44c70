#include "common/base/nearest.hpp"

#include <gtest/gtest.h>

namespace bramble {
namespace {

const std::vector<std::string> kOptions = {"--priority", "--cpus", "--memory", "--name", "--env"};

TEST(Nearest, FindsAWordAFewSlipsAway) {
  EXPECT_EQ(nearest("--priorty", kOptions), "--priority");     // one less
  EXPECT_EQ(nearest("--memoryy", kOptions), "--memory");       // one more
  EXPECT_EQ(nearest("--memary", kOptions), "--memory");        // another
  EXPECT_EQ(nearest("--cpsu", {"cpus", "--cpus"}), "--cpus");  // two swapped count once
  EXPECT_EQ(nearest("--CPUS", kOptions), "--cpus");
}

TEST(Nearest, FindsNothingThatIsFarAway) {
  EXPECT_EQ(nearest("--frobnicate", kOptions), std::nullopt);
  EXPECT_EQ(nearest("ab", {"cd"}), std::nullopt);
  EXPECT_EQ(nearest("a", {"b"}), std::nullopt);
  EXPECT_EQ(nearest("", kOptions), std::nullopt);
  EXPECT_EQ(nearest("name", {}), std::nullopt);
  EXPECT_EQ(nearest(std::string(1000, 'a'), {std::string(1000, 'a')}), std::nullopt);
}

TEST(Nearest, PrefersTheNearerAndThenTheFirst) {
  EXPECT_EQ(nearest("pi04", {"pi1", "pi05", "pi4"}), "pi05");
  EXPECT_EQ(nearest("name", {"lame", "same"}), "lame");
  EXPECT_EQ(nearest("name", {"lame", "name"}), "name");
}

TEST(Nearest, MakesASentence) {
  EXPECT_EQ(unknown("option", "--memroy", kOptions), "unknown option '--memroy'; did you mean '--memory'?");
  EXPECT_EQ(unknown("node", "xyz", kOptions), "unknown node 'xyz'");
  EXPECT_EQ(unknown("key", "a\xFF", {}), "unknown key 'a\xEF\xBF\xBD'");
  EXPECT_EQ(unknown("key", "label",
                    {"l\xFF"
                     "bel"}),
            "unknown key 'label'; did you mean 'l\xEF\xBF\xBD"
            "bel'?");
}

}  // namespace
}  // namespace bramble
