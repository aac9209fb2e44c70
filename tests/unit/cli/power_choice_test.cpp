#include "aggregator/cli/power_choice.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace bramble::cli {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

json node(const char* name, const char* kept = "", const char* state = "on", const char* role = "supply") {
  return {{"node", name},
          {"state", state},
          {"protected", kept},
          {"fault", "it sticks"},
          {"lines", json::array({{{"role", role}}})}};
}

json shelf() {
  json nodes = json::array(
      {node("pi01", "the aggregator runs there"), node("pi02"), node("pi03"), node("pi04", "keep_on names it")});
  nodes.push_back({{"node", "laptop"}, {"state", "on"}, {"protected", ""}, {"lines", json::array()}});
  return {{"nodes", nodes}};
}

PowerSwitchCommand wanting(const char* nodes, const char* to, const char* how = "clean") {
  return {nodes, to, how, "why", false, 0};
}

std::string refusal(const json& status, const PowerSwitchCommand& command) {
  const auto choice = choose_switched(status, command);
  return choice ? "" : choice.error().message;
}

TEST(PowerChoice, OfNamedNodesNamesAllThatAreProtectedAndAllThatAreUnknownAndWhatWouldWork) {
  EXPECT_EQ(refusal(shelf(), wanting("pi[01-06]", "off")),
            "nothing was switched: unknown nodes pi[05-06]; there are laptop,pi[01-04]; "
            "pi01 must not be switched off (the aggregator runs there); pi04 must not be switched off (keep_on names "
            "it); bramble power off pi[02-03] would switch the others");
  EXPECT_EQ(refusal(shelf(), wanting("pi01", "cycle")),
            "nothing was switched: pi01 must not be switched off (the aggregator runs there)");
  EXPECT_EQ(refusal(shelf(), wanting("pi2", "on")), "nothing was switched: unknown node 'pi2'; did you mean 'pi02'?");
  EXPECT_THAT(choose_switched(shelf(), wanting("pi[01-04]", "on"))->nodes, ElementsAre("pi01", "pi02", "pi03", "pi04"));
}

TEST(PowerChoice, OfAllSkipsProtectedNodesAndSaysWhy) {
  const auto choice = choose_switched(shelf(), wanting("all", "off"));
  ASSERT_TRUE(choice) << choice.error().message;
  EXPECT_THAT(choice->nodes, ElementsAre("pi02", "pi03"));
  EXPECT_THAT(choice->skipped, ElementsAre("pi01 is left as it is: the aggregator runs there",
                                           "pi04 is left as it is: keep_on names it"));
  EXPECT_FALSE(choice->skips_fault);
  EXPECT_THAT(choose_switched(shelf(), wanting("all", "on"))->skipped, IsEmpty());
}

TEST(PowerChoice, OfAllSkipsWhatCannotBeSwitchedSo) {
  const json status{{"nodes", json::array({node("pi01", "", "fault"), node("pi02", "", "on", "reset"),
                                           node("pi03", "", "on", "meter"), node("pi04")})}};
  const auto off = choose_switched(status, wanting("all", "off"));
  EXPECT_THAT(off->nodes, ElementsAre("pi04"));
  EXPECT_TRUE(off->skips_fault);
  EXPECT_THAT(choose_switched(status, wanting("all", "off", "force"))->nodes, ElementsAre("pi01", "pi04"));
  EXPECT_THAT(choose_switched(status, wanting("all", "cycle"))->nodes, ElementsAre("pi02", "pi04"));
}

TEST(PowerChoice, OfAllIsRefusedWhereNothingIsLeft) {
  EXPECT_EQ(refusal({{"nodes", json::array({node("pi01", "the broker runs there")})}}, wanting("all", "off")),
            "nothing was switched: pi01 is left as it is: the broker runs there");
  EXPECT_NE(refusal({{"nodes", json::array()}}, wanting("all", "off")).find("[[line]]"), std::string::npos);
}

}  // namespace
}  // namespace bramble::cli
