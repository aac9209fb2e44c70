#include "aggregator/cli/power_view.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "aggregator/cli/table.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

json switched_node(const char* name, const char* state) {
  return {{"node", name},
          {"state", state},
          {"in_state_ms", 61'500},
          {"desired", nullptr},
          {"who", ""},
          {"why", ""},
          {"waits", ""},
          {"fault", ""},
          {"cause", "it is heard"},
          {"power_w", nullptr},
          {"power_measured", false},
          {"lines", json::array({{{"role", "supply"}, {"level", true}, {"error", ""}}})}};
}

size_t longest_line(const std::string& text) {
  size_t longest = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    longest = std::max(longest, display_width(text.substr(at, end - at)));
    at = end + 1;
  }
  return longest;
}

std::string row_of(json object) {
  const std::string text = power_text({{"nodes", json::array({std::move(object)})}}, kAnyWidth);
  return text.substr(text.find('\n') + 1);
}

TEST(PowerTable, ShowsStateLinesAndWhatIsBehindThem) {
  EXPECT_THAT(row_of(switched_node("pi01", "on")),
              AllOf(HasSubstr("pi01"), HasSubstr("1m 1s"), HasSubstr("supply 1"), HasSubstr("it is heard")));
  json wanted = switched_node("pi01", "draining");
  wanted["desired"] = "off";
  wanted["who"] = "ada";
  wanted["why"] = "new card";
  wanted["power_w"] = 2.5;
  EXPECT_THAT(row_of(wanted), AllOf(HasSubstr("~2.5"), HasSubstr("wanted off by ada: new card")));
  wanted["waits"] = "budget: 12 W of 15 W";
  EXPECT_THAT(row_of(wanted), AllOf(HasSubstr("waiting: budget: 12 W of 15 W"), Not(HasSubstr("ada"))));
  wanted["fault"] = "the relay sticks";
  EXPECT_THAT(row_of(wanted), HasSubstr("the relay sticks"));
}

TEST(PowerTable, ShowsALineThatCannotBeRead) {
  json broken = switched_node("pi01", "unknown");
  broken["lines"] = json::array({{{"role", "supply"}, {"level", nullptr}, {"error", "there is no chip pinctrl-rp1"}}});
  EXPECT_THAT(row_of(broken), AllOf(HasSubstr("supply ?"), HasSubstr("there is no chip pinctrl-rp1")));
}

TEST(PowerRemarks, TellOfAPauseAndOfSupplies) {
  const json status = {{"nodes", json::array()},
                       {"paused", true},
                       {"paused_by", "ada"},
                       {"paused_why", "exam"},
                       {"supplies", json::array({{{"supply", "shelf"}, {"taken_w", 12.0}, {"max_w", 15.0}},
                                                 {{"supply", ""}, {"taken_w", 3.0}, {"max_w", nullptr}}})}};
  EXPECT_EQ(power_remarks(status),
            "the automation is paused by ada: exam (bramble power resume)\nsupply shelf: 12.0 W of 15.0 W taken\n");
}

TEST(SwitchedText, NamesWhoseWishWasReplaced) {
  json one = {{"node", "pi01"}, {"state", "off"}, {"desired", "on"}, {"waits", "stagger"}, {"replaced", nullptr}};
  EXPECT_EQ(switched_text(json::array({one})), "pi01: wanted on, is off, waiting: stagger\n");
  one["replaced"] = {{"who", "bob"}, {"desired", "off"}, {"why", "new card"}};
  EXPECT_THAT(switched_text(json::array({one})), HasSubstr("; bob wanted it off (new card)\n"));
}

TEST(AuditTable, HasARowForEachEntry) {
  const json rows = json::array(
      {{{"at_ms", 1'000}, {"node", ""}, {"who", "ada"}, {"action", "asked: pause"}, {"why", "x"}, {"result", ""}}});
  EXPECT_THAT(audit_text(rows, kAnyWidth), AllOf(HasSubstr("asked: pause"), HasSubstr("ada")));
}

TEST(PowerView, TellsTheLineOfASwitchWithWhatCameOfIt) {
  const json rows = json::array({{{"at_ms", 5},
                                  {"node", "pi1"},
                                  {"who", "ada"},
                                  {"action", "switched off (pinctrl-bcm2711 GPIO17)"},
                                  {"why", "new card"},
                                  {"result", "reads off"}}});
  const std::string text = audit_text(rows, 80);
  EXPECT_THAT(text, AllOf(HasSubstr("pi1  "), HasSubstr("switched off  "), HasSubstr("reads off\n    new card\n")));
  EXPECT_LE(longest_line(text), 80U);
}

TEST(PowerTable, WrapsTheRemarkBelowTheRowWhereTheTerminalIsTooNarrow) {
  json broken = switched_node("pi01", "fault");
  broken["fault"] =
      "it was switched off and reads back on: look at the relay, its cable and the pin that it is said to be on";
  const json status{{"nodes", json::array({broken})}};
  const std::string text = power_text(status, 80);
  EXPECT_LE(longest_line(text), 80U);
  EXPECT_THAT(text, AllOf(HasSubstr("\n    it was switched off and reads back on"), HasSubstr("\n    pin that"),
                          Not(HasSubstr("REMARK"))));
  EXPECT_THAT(power_text(status, kAnyWidth), HasSubstr("  it was switched off and reads back on: look at the relay, "
                                                       "its cable and the pin that it is said to be on\n"));
}

json switched(const char* action, const char* why, const char* result) {
  return {{"at_ms", 5},       {"node", "local02"}, {"who", "automation"},
          {"action", action}, {"why", why},        {"result", result}};
}

TEST(AuditText, SaysThatASwitchHasFailedAndAllOfWhy) {
  const std::string error = "it was switched off and reads back on: look at the relay, and whether active_low is right";
  const json rows = json::array({switched("switched off (sim local02.supply)", "not heard for 30 s", error.c_str())});
  const std::string text = audit_text(rows, 80);
  EXPECT_LE(longest_line(text), 80U);
  EXPECT_THAT(text, AllOf(HasSubstr("switched off: failed"),
                          HasSubstr("\n    not heard for 30 s; it was switched off and reads back on"),
                          HasSubstr("local02.supply\n")));
  EXPECT_THAT(audit_text(rows, kAnyWidth), HasSubstr(error + ": sim local02.supply\n"));
}

TEST(AuditText, TellsFailureFromSuccess) {
  const auto fails = [](const char* action, const char* result) {
    return audit_text(json::array({switched(action, "", result)}), kAnyWidth).find(": failed") != std::string::npos;
  };
  EXPECT_FALSE(fails("switched off (a)", "reads off"));
  EXPECT_FALSE(fails("switched on (a)", "done; its level cannot be read"));
  EXPECT_FALSE(fails("pressed for 200 ms (a)", "reads off"));
  EXPECT_FALSE(fails("asked: off", "instead of what bob wanted"));
  EXPECT_TRUE(fails("switched off (a)", "reads on"));
  EXPECT_TRUE(fails("pressed for 200 ms (a)", "it has not answered for 10 s"));
}

TEST(AuditText, DoesNotPadEveryRowToTheLongestReasonWhereNothingIsCut) {
  const json rows = json::array(
      {switched("fault", std::string(200, 'x').c_str(), ""), switched("switched off (a)", "new card", "reads off")});
  EXPECT_THAT(audit_text(rows, kAnyWidth), HasSubstr("new card                  reads off: a\n"));
}

}  // namespace
}  // namespace bramble::cli
