#include "aggregator/cli/power_view.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace bramble::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

json node(const char* name, const char* state) {
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

std::string row_of(json object) {
  const std::string text = power_table({{"nodes", json::array({std::move(object)})}}).render(kAnyWidth);
  return text.substr(text.find('\n') + 1);
}

TEST(PowerTable, ShowsStateLinesAndWhatIsBehindThem) {
  EXPECT_THAT(row_of(node("pi01", "on")),
              AllOf(HasSubstr("pi01"), HasSubstr("1m 1s"), HasSubstr("supply 1"), HasSubstr("it is heard")));
  json wanted = node("pi01", "draining");
  wanted["desired"] = "off";
  wanted["who"] = "ada";
  wanted["why"] = "new card";
  wanted["power_w"] = 2.5;
  EXPECT_THAT(row_of(wanted), AllOf(HasSubstr("~2.5"), HasSubstr("wanted off by ada: new card")));
  wanted["waits"] = "budget: 12 W of 15 W";
  EXPECT_THAT(row_of(wanted), AllOf(HasSubstr("budget: 12 W of 15 W"), Not(HasSubstr("ada"))));
  wanted["fault"] = "the relay sticks";
  EXPECT_THAT(row_of(wanted), HasSubstr("the relay sticks"));
}

TEST(PowerTable, ShowsALineThatCannotBeRead) {
  json broken = node("pi01", "unknown");
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
  EXPECT_EQ(switched_text(json::array({one})), "pi01: wanted on, is off, waits: stagger\n");
  one["replaced"] = {{"who", "bob"}, {"desired", "off"}, {"why", "new card"}};
  EXPECT_THAT(switched_text(json::array({one})), HasSubstr("; bob wanted it off (new card)\n"));
}

TEST(AuditTable, HasARowForEachEntry) {
  const json rows = json::array(
      {{{"at_ms", 1'000}, {"node", ""}, {"who", "ada"}, {"action", "asked: pause"}, {"why", "x"}, {"result", ""}}});
  EXPECT_THAT(audit_table(rows).render(kAnyWidth), AllOf(HasSubstr("asked: pause"), HasSubstr("ada")));
}

TEST(PowerView, TellsTheLineOfASwitchWithWhatCameOfIt) {
  const json rows = json::array({{{"at_ms", 5},
                                  {"node", "pi1"},
                                  {"who", "ada"},
                                  {"action", "switched off (pinctrl-bcm2711 GPIO17)"},
                                  {"why", "new card"},
                                  {"result", "reads off"}}});
  const std::string text = audit_table(rows).render(80);
  EXPECT_THAT(text, AllOf(HasSubstr("pi1  "), HasSubstr("switched off  "), HasSubstr("reads off: pin")));
  size_t longest = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    longest = std::max(longest, display_width(text.substr(at, end - at)));
    at = end + 1;
  }
  EXPECT_LE(longest, 80U);
}

}  // namespace
}  // namespace bramble::cli
