#include "aggregator/cli/doctor_view.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bramble::cli {
namespace {

using nlohmann::json;

json finding(const char* check, const char* state, const char* text) {
  return {{"check", check}, {"state", state}, {"text", text}};
}

json examination() {
  return {{"head", {finding("broker", "good", "there and back in 1 ms")}},
          {"nodes",
           {{{"node", "pi1"}, {"findings", {finding("heard", "good", "it beats")}}},
            {{"node", "pi2"}, {"findings", {finding("heard", "good", "it beats")}}},
            {{"node", "pi3"},
             {"findings",
              {finding("time", "warning", "its clock is not synchronised"), finding("heard", "good", "it beats"),
               finding("eeprom", "problem",
                       "it waits for its button when its power comes back: set WAIT_FOR_POWER_BUTTON=0")}}}}}};
}

TEST(DoctorView, ShowsTheWorstFirstWrapsItAndFoldsWhatIsWell) {
  EXPECT_EQ(doctor_text(examination(), false, 80),
            "pi3\n"
            "  problem  eeprom     it waits for its button when its power comes back: set\n"
            "                      WAIT_FOR_POWER_BUTTON=0\n"
            "  warning  time       its clock is not synchronised\n"
            "nothing amiss: the head, pi[1-2]\n"
            "4 checks were good (--all shows them)\n");
}

TEST(DoctorView, ShowsAllThatWasGoodWhereItIsAskedFor) {
  const std::string text = doctor_text(examination(), true, 0);
  EXPECT_NE(text.find("the head\n  good     broker     there and back in 1 ms\n"), std::string::npos) << text;
  EXPECT_NE(text.find("pi1\n  good     heard      it beats\n"), std::string::npos) << text;
  EXPECT_NE(text.find("set WAIT_FOR_POWER_BUTTON=0\n"), std::string::npos) << "not wrapped: " << text;
}

TEST(DoctorView, KnowsAProblem) {
  EXPECT_TRUE(has_problem(examination()));
  json well = examination();
  well["nodes"].erase(2);
  EXPECT_FALSE(has_problem(well));
}

TEST(DoctorView, TakesOnlyAnExamination) {
  EXPECT_TRUE(is_examination(examination()));
  EXPECT_FALSE(is_examination(json::array()));
  EXPECT_FALSE(is_examination({{"nodes", 1}, {"head", json::array()}}));
}

}  // namespace
}  // namespace bramble::cli
