// What a monitor is told.
#include "aggregator/cli/check_rules.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "aggregator/cli/exit_status.hpp"
#include "aggregator/cli/table.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

json good_health() { return {{"connected", true}, {"store_ok", true}, {"gone_back", ""}}; }

json node(const char* name, const char* state) { return {{"node", name}, {"state", state}}; }

CheckResult check(const json& nodes, const json& health = good_health(), const CheckCommand& command = {}) {
  return check_cluster(health, nodes, command);
}

// A node that is on, with one more field.
json on_with(const char* field, const json& value) {
  json object = node("pi01", "on");
  object[field] = value;
  return json::array({object});
}

TEST(CheckRules, AGoodClusterIsOneLineWithItsFigures) {
  const json pi01 = {{"node", "pi01"},    {"state", "on"},           {"temperature_celsius", 48.25},
                     {"power_w", 3.5},    {"disk_free_bytes", 75e9}, {"disk_total_bytes", 100e9},
                     {"under_voltage", 0}};
  const auto result = check(json::array({pi01, node("pi02", "stopped")}));
  EXPECT_EQ(result.status, kCheckOk);
  EXPECT_EQ(result.line,
            "BRAMBLE OK - 1 node on, 1 stopped | 'pi01_temperature'=48.2;75;82 'pi01_disk'=25.0%;90;97 'power'=3.5W "
            "'nodes_on'=1\n");
}

TEST(CheckRules, ItsLineIsBrokenForATerminalAndForNobodyElse) {
  json nodes = json::array();
  for (const char* name : {"pi01", "pi02", "pi03", "pi04"}) nodes.push_back(node(name, "lost"));
  const std::string line = check(nodes).line;
  ASSERT_GT(line.size(), 80U);
  EXPECT_EQ(check_text(line, kAnyWidth), line);
  const std::string text = check_text(line, 80);
  EXPECT_THAT(text, AllOf(HasSubstr("\n  "), EndsWith("'nodes_on'=0\n")));
  std::istringstream rows(text);
  for (std::string row; std::getline(rows, row);) EXPECT_LE(row.size(), 80U) << row;
}

TEST(CheckRules, ALostNodeIsCriticalAndASilentOneAWarning) {
  EXPECT_EQ(check(json::array({node("pi01", "lost")})).status, kCheckCritical);
  EXPECT_THAT(check(json::array({node("pi01", "lost")})).line,
              HasSubstr("BRAMBLE CRITICAL - pi01 is lost; 0 nodes on |"));
  EXPECT_EQ(check(json::array({node("pi01", "silent")})).status, kCheckWarning);
  EXPECT_EQ(check(json::array({node("pi01", "unknown")})).status, kCheckWarning);
}

TEST(CheckRules, ARaisedAlertIsAWarningForThoseWhoAskForItsNode) {
  json health = good_health();
  health["alerts"] = json::array({{{"alert", "hot"}, {"node", "pi01"}, {"text", "alert hot of node pi01 is raised"}},
                                  {{"alert", "watts"}, {"node", ""}, {"text", "alert watts is raised"}}});
  const auto one = check(json::array({node("pi02", "on")}), health);
  EXPECT_EQ(one.status, kCheckWarning);
  EXPECT_THAT(one.line, HasSubstr("WARNING - alert watts is raised; 1 node on"));
  EXPECT_THAT(check(json::array({node("pi01", "on")}), health).line, HasSubstr("alert hot of node pi01 is raised"));
}

TEST(CheckRules, TheWorstStandsFirst) {
  const auto result = check(json::array({node("pi01", "silent"), node("pi02", "lost")}));
  EXPECT_THAT(result.line, HasSubstr("CRITICAL - pi02 is lost; pi01 is silent; "));
}

TEST(CheckRules, LimitsHoldFromTheirValueOn) {
  EXPECT_EQ(check(on_with("temperature_celsius", 74.9)).status, kCheckOk);
  EXPECT_EQ(check(on_with("temperature_celsius", 75)).status, kCheckWarning);
  EXPECT_EQ(check(on_with("temperature_celsius", 82)).status, kCheckCritical);
}

TEST(CheckRules, ThePowerOfAllNodesTogetherIsCompared) {
  CheckCommand command;
  command.power_w = CheckLimits{6, 10};
  json pi01 = on_with("power_w", 3.5)[0];
  EXPECT_EQ(check(json::array({pi01}), good_health(), command).status, kCheckOk);
  const auto both = check(json::array({pi01, pi01}), good_health(), command);
  EXPECT_EQ(both.status, kCheckWarning);
  EXPECT_THAT(both.line, HasSubstr("'power'=7.0W;6;10"));
}

TEST(CheckRules, FailingSensorsAreAWarning) {
  const CheckResult result = check(on_with("sensor_trouble", "drop-ins: /etc/door: it ended with status 1"));
  EXPECT_EQ(result.status, kCheckWarning);
  EXPECT_THAT(result.line, HasSubstr("pi01 has failing sensors (drop-ins: /etc/door: it ended with status 1)"));
  EXPECT_EQ(check(on_with("sensor_trouble", "")).status, kCheckOk);
}

TEST(CheckRules, LowVoltageIsAWarning) { EXPECT_EQ(check(on_with("under_voltage", 1)).status, kCheckWarning); }

TEST(CheckRules, WhatHoldsUpEverybodyIsCritical) {
  for (const json& health : {json{{"connected", false}}, json{{"connected", true}, {"store_ok", false}},
                             json{{"connected", true}, {"gone_back", "an old copy"}}}) {
    EXPECT_EQ(check(json::array(), health).status, kCheckCritical) << health;
  }
}

TEST(CheckRules, NothingInASentenceEndsIt) {
  const auto result = check(json::array(), {{"connected", true}, {"gone_back", "a|b\nc"}});
  EXPECT_THAT(result.line, HasSubstr("a/b c; 0 nodes on | "));
}

TEST(CheckRules, ManyTroublesAreCounted) {
  json nodes = json::array();
  for (int i = 0; i < 20; ++i) nodes.push_back(node("pi", "lost"));
  EXPECT_THAT(check(nodes).line, HasSubstr("and 12 more; "));
}

TEST(CheckRules, ANodeThatIsSwitchedOffIsNotMissedAndAFaultIsCritical) {
  json off = node("pi01", "lost");
  off["power"] = "off";
  const auto result = check(json::array({off, node("pi02", "on")}));
  EXPECT_EQ(result.status, kCheckOk);
  EXPECT_THAT(result.line, HasSubstr("1 off"));
  json fault = node("pi01", "on");
  fault["power"] = "fault";
  EXPECT_EQ(check(json::array({fault})).status, kCheckCritical);
  json fenced = node("pi01", "lost");
  fenced["power"] = "fencing";
  EXPECT_EQ(check(json::array({fenced})).status, kCheckCritical) << "it hangs, and nobody wanted it off";
}

}  // namespace
}  // namespace bramble::cli
