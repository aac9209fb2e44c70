#include "aggregator/cli/power_wait.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace bramble::cli {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

json one(const char* state, const char* desired, bool cycle = false) {
  return {{"node", "pi01"},       {"state", state}, {"desired", desired}, {"cycle", cycle},
          {"fault", "it sticks"}, {"waits", ""},    {"who", "bob"},       {"why", "exam"}};
}

json list(json node) { return json::array({std::move(node)}); }

constexpr MonoTime kNow{1'000};

TEST(PowerWait, TellsEachStateOnceUntilTheNodeIsThere) {
  PowerWait wait("off", list(one("on", "off")), kNow);
  json draining = one("draining", "off");
  draining["waits"] = "2 tasks to end";
  EXPECT_THAT(wait.look(list(draining), kNow), ElementsAre("pi01: is draining, waiting: 2 tasks to end"));
  EXPECT_THAT(wait.look(list(draining), kNow), IsEmpty());
  EXPECT_FALSE(wait.is_over());
  EXPECT_EQ(wait.rest(), "pi01 is draining");
  EXPECT_THAT(wait.look(list(one("off", "off")), kNow), ElementsAre("pi01: is off"));
  EXPECT_TRUE(wait.is_over());
  EXPECT_FALSE(wait.has_failed());
}

TEST(PowerWait, ACycleIsOverWhenTheNodeIsOnAgain) {
  PowerWait wait("cycle", list(one("on", "on", true)), kNow);
  EXPECT_THAT(wait.look(list(one("on", "on", true)), kNow), IsEmpty());
  wait.look(list(one("off", "on", true)), kNow);
  wait.look(list(one("starting", "on")), kNow);
  EXPECT_FALSE(wait.is_over());
  wait.look(list(one("on", "on")), kNow);
  EXPECT_TRUE(wait.is_over());
  EXPECT_FALSE(wait.has_failed());
}

TEST(PowerWait, AFaultEndsItWithTheReason) {
  PowerWait wait("on", list(one("off", "on")), kNow);
  EXPECT_THAT(wait.look(list(one("fault", "on")), kNow), ElementsAre("pi01: fault: it sticks"));
  EXPECT_TRUE(wait.is_over());
  EXPECT_TRUE(wait.has_failed());
}

TEST(PowerWait, AFaultFromBeforeMayBeLeftByForceFirst) {
  PowerWait wait("off", list(one("fault", "off")), kNow);
  EXPECT_THAT(wait.look(list(one("fault", "off")), kNow + 1'000), IsEmpty());
  EXPECT_THAT(wait.look(list(one("fault", "off")), kNow + 30'000), ElementsAre("pi01: fault: it sticks"));
}

TEST(PowerWait, AWishThatSomebodyReplacedOrDroppedEndsIt) {
  PowerWait wait("off", list(one("on", "off")), kNow);
  EXPECT_THAT(wait.look(list(one("on", "on")), kNow), ElementsAre("pi01: bob wants it on now (exam)"));
  EXPECT_TRUE(wait.has_failed());
  PowerWait dropped("off", list(one("on", "off")), kNow);
  EXPECT_THAT(dropped.look(list(one("on", "")), kNow), ElementsAre("pi01: nothing is wanted of it any more"));
  PowerWait removed("off", list(one("on", "off")), kNow);
  EXPECT_THAT(removed.look(json::array(), kNow), ElementsAre("pi01: it was removed from the cluster"));
  EXPECT_TRUE(removed.has_failed());
}

}  // namespace
}  // namespace bramble::cli
