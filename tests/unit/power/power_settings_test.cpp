#include "aggregator/power/power_settings.hpp"

#include <gmock/gmock.h>

#include "unit/power/config_text.hpp"

namespace bramble::test {
namespace {

using namespace bramble::aggregator;
using testing::ElementsAre;

PowerConfig settings_of(const std::string& text) {
  PowerConfig settings;
  EXPECT_EQ(error_in(text, [&](posix::ConfigFile& file) { settings = read_power_settings(file); }), "");
  return settings;
}

std::string settings_error(const std::string& text) {
  return error_in(text, [](posix::ConfigFile& file) { read_power_settings(file); });
}

TEST(PowerSettingsTest, NothingTakesPowerAwayByDefault) {
  const PowerConfig settings = settings_of("");
  EXPECT_FALSE(settings.recovery);
  EXPECT_EQ(settings.idle_off_ms, 0);
  EXPECT_TRUE(settings.supplies.empty());
}

TEST(PowerSettingsTest, ReadsBothTables) {
  const PowerConfig settings = settings_of(
      "[power]\nrecovery = true\nrecovery_s = 300\nidle_off_s = 600\nkeep_on = \"pi[01-02]\"\nhead_nodes = \"head\"\n"
      "cut_unhalted = true\nmax_starts = 5\n"
      "[[supply]]\nname = \"shelf\"\nnodes = \"pi[01-02]\"\nmax_w = 15.5\nstart_w = 6\nrun_w = 4\nstagger_ms = 2500\n"
      "starts_per_minute = 12\nstart_burst = 2\n[[supply]]\nname = \"rest\"\n");
  EXPECT_TRUE(settings.recovery);
  EXPECT_EQ(settings.recovery_floor_ms, 300'000);
  EXPECT_EQ(settings.idle_off_ms, 600'000);
  EXPECT_THAT(settings.keep_on, ElementsAre("pi01", "pi02"));
  EXPECT_THAT(settings.head_nodes, ElementsAre("head"));
  EXPECT_TRUE(settings.cut_unhalted);
  EXPECT_EQ(settings.max_starts, 5U);
  EXPECT_EQ(settings.max_starts, 5);
  ASSERT_EQ(settings.supplies.size(), 2U);
  const SupplyConfig& shelf = settings.supplies[0];
  EXPECT_EQ(shelf.name, "shelf");
  EXPECT_THAT(shelf.nodes, ElementsAre("pi01", "pi02"));
  EXPECT_EQ(shelf.max_mw, 15'500);
  EXPECT_EQ(shelf.start_mw, 6000);
  EXPECT_EQ(shelf.run_mw, 4000);
  EXPECT_EQ(shelf.stagger_ms, 2500);
  EXPECT_EQ(shelf.starts_per_minute, 12);
  EXPECT_EQ(shelf.start_burst, 2);
  EXPECT_TRUE(settings.supplies[1].nodes.empty());
}

TEST(PowerSettingsTest, TheStatesLimitsArePeoplesSecondsAndWatts) {
  const PowerConfig settings = settings_of(
      "[power]\nstart_limit_s = 60\nhalt_limit_s = 45\nhold_s = 2\nquiet_w = 0.7\noff_w = 0.25\nbroker_nodes = \"b\"");
  EXPECT_EQ(settings.start_limit_ms, 60'000);
  EXPECT_EQ(settings.halt_limit_ms, 45'000);
  EXPECT_EQ(settings.hold_ms, 2000);
  EXPECT_EQ(settings.quiet_mw, 700);
  EXPECT_EQ(settings.off_mw, 250);
  EXPECT_THAT(settings.broker_nodes, ElementsAre("b"));
  const PowerConfig untold = settings_of("[power]");
  EXPECT_EQ(untold.quiet_mw, PowerConfig{}.quiet_mw);
  EXPECT_EQ(untold.start_limit_ms, PowerConfig{}.start_limit_ms);
}

TEST(PowerSettingsTest, NamesThatNobodyHasAreToldInOneSentence) {
  PowerConfig settings;
  settings.keep_on = {"pi01", "pi02", "pi03"};
  settings.head_nodes = {"head", "pi01"};
  settings.broker_nodes = {"broker"};
  EXPECT_EQ(unknown_names_in(settings, {"broker", "head", "pi01", "pi02", "pi03", "pi04"}), "");
  EXPECT_EQ(
      unknown_names_in(settings, {"broker", "pi01"}),
      "[power] names nodes that have no line and were never heard (keep_on = pi[02-03]; head_nodes = head): a typo "
      "there protects nobody");
  EXPECT_EQ(unknown_names_in({}, {"pi01"}), "");
}

TEST(PowerSettingsTest, EachMistakeIsToldInOneSentence) {
  EXPECT_EQ(settings_error("[power]\nrecovry = true"), "2: unknown key 'recovry'; did you mean 'recovery'?");
  EXPECT_EQ(settings_error("power = 3"), "1: power must be a table: [power]");
  EXPECT_EQ(settings_error("[power]\nrecovery_s = 5"), "2: recovery_s must be a whole number from 30 to 86400");
  EXPECT_EQ(settings_error("[power]\nkeep_on = \"pi[\"").substr(0, 11), "1: keep_on:");
  EXPECT_EQ(settings_error("[power]\nquiet_w = 0.05"), "1: off_w must not be above quiet_w");
  EXPECT_EQ(settings_error("[[supply]]\nmax_w = 5"), "1: a supply needs a name of letters, digits, '-', '_' and '.'");
  EXPECT_EQ(settings_error("[[supply]]\nname = \"a\"\nmax_w = 5"),
            "1: no node could ever start on supply a: start_w or run_w is more than max_w");
  EXPECT_EQ(settings_error("[[supply]]\nname = \"a\"\nnodes=\"x\"\n[[supply]]\nname = \"a\"\nnodes=\"y\""),
            "4: there are two supplies with the name 'a'");
  EXPECT_EQ(settings_error("[[supply]]\nname = \"a\"\nnodes = \"x,y\"\n[[supply]]\nname = \"b\"\nnodes = \"y\""),
            "4: supplies a and b both feed a node: each node has one");
  EXPECT_EQ(settings_error("[[supply]]\nname = \"a\"\n[[supply]]\nname = \"b\""),
            "3: supplies a and b both feed a node: each node has one");
}

}  // namespace
}  // namespace bramble::test
