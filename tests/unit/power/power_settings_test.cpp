#include "aggregator/power/power_settings.hpp"

#include <gmock/gmock.h>

#include "unit/power/config_text.hpp"

namespace bramble::test {
namespace {

using namespace bramble::aggregator;
using testing::ElementsAre;

PowerSettings settings_of(const std::string& text) {
  PowerSettings settings;
  EXPECT_EQ(error_in(text, [&](posix::ConfigFile& file) { settings = read_power_settings(file); }), "");
  return settings;
}

std::string error_of(const std::string& text) {
  return error_in(text, [](posix::ConfigFile& file) { read_power_settings(file); });
}

TEST(PowerSettingsTest, NothingTakesPowerAwayByDefault) {
  const PowerSettings settings = settings_of("");
  EXPECT_FALSE(settings.recovery);
  EXPECT_EQ(settings.idle_off_s, 0);
  EXPECT_TRUE(settings.supplies.empty());
}

TEST(PowerSettingsTest, ReadsBothTables) {
  const PowerSettings settings = settings_of(
      "[power]\nrecovery = true\nrecovery_s = 300\nidle_off_s = 600\nkeep_on = \"pi[01-02]\"\nhead_nodes = \"head\"\n"
      "cut_unhalted = true\nmax_starts = 5\n"
      "[[supply]]\nname = \"shelf\"\nnodes = \"pi[01-02]\"\nmax_w = 15.5\nstart_w = 6\nrun_w = 4\nstagger_ms = 2500\n"
      "starts_per_minute = 12\nstart_burst = 2\n[[supply]]\nname = \"rest\"\n");
  EXPECT_TRUE(settings.recovery);
  EXPECT_EQ(settings.recovery_s, 300);
  EXPECT_EQ(settings.idle_off_s, 600);
  EXPECT_THAT(settings.keep_on, ElementsAre("pi01", "pi02"));
  EXPECT_THAT(settings.head_nodes, ElementsAre("head"));
  EXPECT_TRUE(settings.cut_unhalted);
  EXPECT_EQ(settings.max_starts, 5);
  ASSERT_EQ(settings.supplies.size(), 2U);
  const SupplySettings& shelf = settings.supplies[0];
  EXPECT_EQ(shelf.name, "shelf");
  EXPECT_THAT(shelf.nodes, ElementsAre("pi01", "pi02"));
  EXPECT_EQ(shelf.max_w, 15.5);
  EXPECT_EQ(shelf.start_w, 6);
  EXPECT_EQ(shelf.run_w, 4);
  EXPECT_EQ(shelf.stagger_ms, 2500);
  EXPECT_EQ(shelf.starts_per_minute, 12);
  EXPECT_EQ(shelf.start_burst, 2);
  EXPECT_TRUE(settings.supplies[1].nodes.empty());
}

TEST(PowerSettingsTest, EachMistakeIsToldInOneSentence) {
  EXPECT_EQ(error_of("[power]\nrecovry = true"), "2: unknown key 'recovry'; did you mean 'recovery'?");
  EXPECT_EQ(error_of("power = 3"), "1: power must be a table: [power]");
  EXPECT_EQ(error_of("[power]\nrecovery_s = 5"), "2: recovery_s must be a whole number from 30 to 86400");
  EXPECT_EQ(error_of("[power]\nkeep_on = \"pi[\"").substr(0, 11), "1: keep_on:");
  EXPECT_EQ(error_of("[power]\nquiet_w = 0.05"), "1: off_w must not be above quiet_w");
  EXPECT_EQ(error_of("[[supply]]\nmax_w = 5"), "1: a supply needs a name of letters, digits, '-', '_' and '.'");
  EXPECT_EQ(error_of("[[supply]]\nname = \"a\"\nmax_w = 5"),
            "1: no node could ever start on supply a: start_w or run_w is more than max_w");
  EXPECT_EQ(error_of("[[supply]]\nname = \"a\"\nnodes=\"x\"\n[[supply]]\nname = \"a\"\nnodes=\"y\""),
            "4: there are two supplies with the name 'a'");
  EXPECT_EQ(error_of("[[supply]]\nname = \"a\"\nnodes = \"x,y\"\n[[supply]]\nname = \"b\"\nnodes = \"y\""),
            "4: supplies a and b both feed a node: each node has one");
  EXPECT_EQ(error_of("[[supply]]\nname = \"a\"\n[[supply]]\nname = \"b\""),
            "3: supplies a and b both feed a node: each node has one");
}

}  // namespace
}  // namespace bramble::test
