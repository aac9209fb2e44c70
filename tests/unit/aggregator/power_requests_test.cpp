// What people ask about power, what is refused, supplies with their limits, and nodes without work.
#include "aggregator/core/internal.hpp"
#include "power_test.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Act = PowerRequest::Act;

class PowerRequests : public PowerTest {
 protected:
  static std::string error_of(PowerWorld& world, const std::string& name, Act act, PowerHow how = PowerHow::clean) {
    return world.ask_power(name, act, how, 409)["error"];
  }
  // All relays off, and nobody knows why.
  static void all_off(Rail& rail) { rail.set_all(false); }
};

TEST_F(PowerRequests, OnlyAnOperatorSwitchesPausesAndClears) {
  PowerWorld world(relays(1));
  const Caller eve{"eve", false};
  world.ask_power("pi1", Act::on, PowerHow::clean, 403, eve);
  world.ask(PowerPauseRequest{true, ""}, 403, eve);
  world.ask(ClearFaultRequest{{"pi1"}, ""}, 403, eve);
  world.ask(PowerStatusRequest{}, 200, eve);
}

TEST_F(PowerRequests, ANodeWithoutALineIsRefusedWithHowToGiveItOne) {
  PowerWorld world(relays(1));
  world.join("pi2");
  EXPECT_THAT(error_of(world, "pi2", Act::off), AllOf(HasSubstr("no line"), HasSubstr("[[line]]")));
  EXPECT_THAT(world.ask_power("pi9", Act::off, PowerHow::clean, 404)["error"], "there is no node pi9");
  EXPECT_EQ(world.ask(PowerStatusRequest{{"pi2"}})["nodes"][0]["state"], "on");
}

TEST_F(PowerRequests, OneThatIsRefusedRefusesTheWholeRequest) {
  PowerWorld world(relays(2));
  world.join("pi1");
  const auto reply = world.ask(PowerRequest{{"pi1", "pi8", "pi2", "pi9"}, Act::off, PowerHow::clean, ""}, 404);
  EXPECT_EQ(reply["error"],
            "nothing was switched: there is no node pi8; there is no node pi9; bramble power off pi[1-2] would switch "
            "the others");
  world.cluster.pass(1000, {"pi1"});
  EXPECT_EQ(world.state("pi1"), PowerState::on);
}

TEST_F(PowerRequests, HeadBrokerHostAndKeepWarmNodesAreRefusedWithTheReasonEvenByForce) {
  Config config = relays(4);
  config.power.head_nodes = {"pi1"};
  config.power.broker_nodes = {"pi2"};
  config.power.keep_on = {"pi3"};
  config.power.head_machine_id = "machine-pi4";
  PowerWorld world(config);
  world.join("pi4");
  for (const auto act : {Act::off, Act::cycle}) {
    EXPECT_THAT(error_of(world, "pi1", act, PowerHow::force), HasSubstr("the aggregator runs there"));
    EXPECT_THAT(error_of(world, "pi2", act), HasSubstr("the broker runs there"));
    EXPECT_THAT(error_of(world, "pi3", act), HasSubstr("keep_on"));
    EXPECT_THAT(error_of(world, "pi4", act), HasSubstr("the aggregator runs there")) << "whatever its name";
  }
  world.on("pi3");
}

TEST_F(PowerRequests, WhatItsLinesCannotDoIsRefused) {
  PowerWorld world(PowerWorld::with_lines({line_of("pi1", LineRole::reset), line_of("pi2", LineRole::meter)}));
  EXPECT_THAT(error_of(world, "pi1", Act::off), HasSubstr("only a reset"));
  EXPECT_THAT(error_of(world, "pi2", Act::on), HasSubstr("only lines that are read"));
}

TEST_F(PowerRequests, ANodeInFaultIsRefusedUntilItIsClearedOrForcedOff) {
  PowerWorld world(relays(1));
  world.rail.stuck.insert(0);
  world.join("pi1");
  world.cluster.pass(10'000);
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::fault);
  EXPECT_THAT(error_of(world, "pi1", Act::on), HasSubstr("bramble power clear pi1"));
  world.rail.stuck.clear();
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::off);
  EXPECT_THAT(world.ask(ClearFaultRequest{{"pi1"}, ""}, 409)["error"], HasSubstr("is not in fault: it is off"));
}

TEST_F(PowerRequests, OfTwoPeopleTheLaterWinsAndTheEarlierIsNamed) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.run_task("pi1");
  world.ask_power("pi1", Act::off, PowerHow::clean, 200, kBob);
  const auto answer = world.on("pi1");
  EXPECT_EQ(answer["nodes"][0]["replaced"]["who"], "bob");
  EXPECT_EQ(answer["nodes"][0]["replaced"]["desired"], "off");
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_THAT(world.audit(),
              AllOf(Contains("bob pi1 asked: off"), Contains("ada pi1 asked: on: instead of what bob wanted")));
}

TEST_F(PowerRequests, StatusTellsWhatIsWantedByWhomAndWhy) {
  PowerWorld world(PowerWorld::with_lines({line_of("pi1"), line_of("pi1", LineRole::meter)}));
  world.rail.power_mw[1] = 2500;
  world.join("pi1");
  world.run_task("pi1");
  world.off("pi1", PowerHow::asap);
  world.cluster.pass(31'000, {"pi1"});
  const auto row = world.ask(PowerStatusRequest{})["nodes"][0];
  EXPECT_EQ(row["state"], "draining");
  EXPECT_EQ(row["desired"], "off");
  EXPECT_EQ(row["how"], "asap");
  EXPECT_EQ(row["who"], "ada");
  EXPECT_EQ(row["why"], "because");
  EXPECT_EQ(row["waits"], "1 task to end");
  EXPECT_EQ(row["power_w"], 2.5);
  EXPECT_EQ(row["power_measured"], true);
  EXPECT_EQ(row["lines"][0]["line"], "relay-pi1");
  EXPECT_EQ(row["lines"][0]["level"], true);
}

TEST_F(PowerRequests, ANodeThatSaidGoodbyeIsStartedByAPersonOnlyWhereItIsSeenToHaveHalted) {
  for (const bool metered : {false, true}) {
    auto lines = std::vector{line_of("pi1")};
    if (metered) lines.push_back(line_of("pi1", LineRole::meter));
    PowerWorld world(PowerWorld::with_lines(lines));
    world.join("pi1");
    world.say_goodbye("pi1");
    world.cluster.pass(60'000);
    world.on("pi1");
    world.cluster.pass(20'000);
    if (metered) {
      EXPECT_THAT(world.rail.take_edges(), ElementsAre("off pi1", "on pi1"));
    } else {
      EXPECT_THAT(world.rail.edges, IsEmpty());
      EXPECT_THAT(world.waits("pi1"), HasSubstr("--force"));
      world.cycle("pi1", PowerHow::force);
      world.cluster.pass(20'000);
      EXPECT_THAT(world.rail.take_edges(), ElementsAre("off pi1", "on pi1"));
    }
  }
}

// --- supplies ---

TEST_F(PowerRequests, StartsOfOneSupplyFollowEachOtherAfterItsStagger) {
  Config config = relays(3);
  config.power.supplies = {{.name = "left", .nodes = {"pi1", "pi2"}, .stagger_ms = 2000},
                           {.name = {}, .stagger_ms = 2000}};
  PowerWorld world(config, {}, all_off);
  world.ask(PowerRequest{{"pi1", "pi2", "pi3"}, Act::on, PowerHow::clean, ""});
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("on pi1", "on pi3")) << "pi3 hangs on another supply";
  EXPECT_THAT(world.waits("pi2"), HasSubstr("stagger"));
  world.cluster.pass(1900);
  EXPECT_THAT(world.rail.edges, IsEmpty());
  world.cluster.pass(200);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("on pi2"));
}

// Found on the rig: its settings held for no node.
TEST_F(PowerRequests, ASupplyThatNamesNoNodesFeedsAllThatNoOtherNames) {
  Config config = relays(3);
  config.power.supplies = {{.name = "desk", .nodes = {"pi3"}}, {.name = "shelf", .stagger_ms = 4000}};
  PowerWorld world(config, {}, all_off);
  world.cluster.pass(4000);
  world.ask(PowerRequest{{"pi1", "pi2", "pi3"}, Act::on, PowerHow::clean, ""});
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("on pi1", "on pi3"));
  world.cluster.pass(3900);
  EXPECT_THAT(world.rail.edges, IsEmpty());
  world.cluster.pass(200);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("on pi2"));
}

TEST_F(PowerRequests, TheStaggerCountsFromWhenAStartWasDone) {
  PowerWorld world(relays(2), {}, all_off);
  world.rail.mute = {0};
  world.ask(PowerRequest{{"pi1", "pi2"}, Act::on, PowerHow::clean, ""});
  world.cluster.pass(5000);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("on pi1")) << "pi1's line has not answered yet";
  EXPECT_THAT(world.waits("pi2"), HasSubstr("another node is being switched on"));
  world.cluster.pass(7000);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("on pi2")) << "and a dead line does not hold the others for ever";
}

// Found by the simulator.
TEST_F(PowerRequests, AForcedOffDoesNotCrossAStartThatIsUnderWay) {
  PowerWorld world(relays(1), {}, all_off);
  world.rail.mute = {0};
  world.on("pi1");
  world.off("pi1", PowerHow::force);
  world.cluster.pass(5000);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("on pi1"));
  world.rail.mute.clear();
  world.pass_until("pi1", PowerState::off);
}

TEST_F(PowerRequests, AfterARestartTheStaggerCountsFromThere) {
  Config config = relays(1);
  config.power.supplies = {{.name = {}, .stagger_ms = 10'000}};
  PowerWorld world(config, {}, all_off);
  world.on("pi1");
  EXPECT_THAT(world.rail.edges, IsEmpty());
  world.cluster.pass(7500);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("on pi1"));
}

TEST_F(PowerRequests, InTheLongRunStartsKeepToTheRate) {
  Config config = relays(9);
  config.power.supplies = {{.name = {}, .stagger_ms = 100, .starts_per_minute = 6, .start_burst = 2}};
  PowerWorld world(config, {}, all_off);
  world.cluster.pass(20'000);
  std::vector<std::string> all;
  for (int i = 1; i <= 9; ++i) all.push_back("pi" + std::to_string(i));
  world.ask(PowerRequest{all, Act::on, PowerHow::clean, ""});
  world.cluster.pass(1000);
  EXPECT_EQ(world.rail.take_edges().size(), 2U) << "the burst";
  EXPECT_THAT(world.waits("pi5"), HasSubstr("rate"));
  world.cluster.pass(30'000);
  EXPECT_EQ(world.rail.take_edges().size(), 3U);
}

TEST_F(PowerRequests, CutsKeepToTheirRate) {
  Config config = relays(3);
  config.power.supplies = {{.name = {}, .cuts_per_minute = 6, .cut_burst = 1}};
  PowerWorld world(config);
  world.cluster.pass(20'000);
  world.ask(PowerRequest{{"pi1", "pi2", "pi3"}, Act::off, PowerHow::force, ""});
  world.cluster.pass(9000);
  EXPECT_EQ(world.rail.take_edges().size(), 1U);
  world.cluster.pass(11'000);
  EXPECT_EQ(world.rail.take_edges().size(), 2U);
  world.pass_until("pi3", PowerState::off);
}

TEST_F(PowerRequests, AStartThatWouldBreakTheBudgetWaitsAndSaysSo) {
  Config config = relays(2);
  config.power.supplies = {{.name = {}, .nodes = {"switch"}, .max_mw = 15'000, .start_mw = 7000, .run_mw = 6000}};
  PowerWorld world(config, {}, all_off);
  world.ask(PowerRequest{{"pi1", "pi2"}, Act::on, PowerHow::clean, ""});
  world.cluster.pass(60'000);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("on pi1"));
  EXPECT_EQ(world.waits("pi2"), "budget: 13 W of 15 W are taken, a start needs 7 W");
  world.rail.set(0, false);  // somebody pulls it
  world.join("pi1", 1);
  world.off("pi1", PowerHow::force);
  world.cluster.take_controls();
  world.cluster.pass(100'000);
  EXPECT_THAT(world.rail.edges, Contains("on pi2"));
}

// Found by the simulator: a reset takes no power from its node.
TEST_F(PowerRequests, ANodeWithOnlyAResetCountsAlways) {
  Config config = PowerWorld::with_lines({line_of("pi1", LineRole::reset), line_of("pi2")});
  config.power.supplies = {{.name = {}, .max_mw = 10'000, .start_mw = 7000, .run_mw = 6000}};
  PowerWorld world(config, {}, [](Rail& rail) { rail.set(1, false); });
  world.join("pi1");
  world.cycle("pi1", PowerHow::force);
  world.cluster.pass(1000, {"pi1"});
  world.cluster.take_controls();
  world.on("pi2");
  world.cluster.pass(300'000);
  EXPECT_THAT(world.rail.edges, Not(Contains("on pi2")));
  EXPECT_THAT(world.rail.edges, Contains("press 500 pi1")) << "and it does not stand in its own way";
}

TEST_F(PowerRequests, WhatIsMeasuredCountsWhereItIsMoreThanWasReckoned) {
  Config config = PowerWorld::with_lines({line_of("pi1"), line_of("pi1", LineRole::meter), line_of("pi2")});
  config.power.supplies = {{.name = {}, .max_mw = 20'000, .start_mw = 7000, .run_mw = 6000}};
  PowerWorld world(config, {}, [](Rail& rail) { rail.set(2, false); });
  world.rail.power_mw[1] = 13'500;
  world.join("pi1");
  world.cluster.pass(31'000, {"pi1"});
  world.on("pi2");
  world.cluster.pass(5000, {"pi1"});
  EXPECT_EQ(world.waits("pi2"), "budget: 13.5 W of 20 W are taken, a start needs 7 W");
}

// --- nodes without work ---

class PowerIdle : public PowerTest {
 protected:
  static Config config(int nodes) {
    Config config = relays(nodes);
    config.power.idle_off_ms = 60'000;
    return config;
  }
};

TEST_F(PowerIdle, ANodeWithoutWorkIsSwitchedOffCleanlyAndOnAgainForWork) {
  PowerWorld world(config(1));
  world.join("pi1");
  const AttemptKey id = world.run_task("pi1");
  world.cluster.pass(90'000, {"pi1"});
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  world.cluster.event("pi1", Harness::finished(id));
  world.cluster.take("pi1");
  world.cluster.pass(59'000, {"pi1"});
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  world.pass_until("pi1", PowerState::halting, {"pi1"}, 2000);
  EXPECT_EQ(world.cluster.take_controls().size(), 1U);
  world.say_goodbye("pi1");
  world.pass_until("pi1", PowerState::off);
  world.cluster.submit();
  world.pass_until("pi1", PowerState::starting, {}, 5000);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("off pi1", "on pi1"));
}

TEST_F(PowerIdle, ANodeIsNotSwitchedOffBeforeItHasIdledAwayWhatItsNextBootCosts) {
  PowerWorld world(config(2));
  for (const char* name : {"pi1", "pi2"}) {
    world.join(name);
    world.node(name).record.boot_ms = 40'000;
  }
  find_node(world.cluster.state(), "pi2")->record.power = wire::PowerModel{2.0, 8.0};
  const auto idle_for = [&](int64_t ms) { world.cluster.pass(ms, {"pi1", "pi2"}); };
  idle_for(120'000);
  EXPECT_EQ(world.state("pi1"), PowerState::on) << "(40 s + 10 s) x 2.5";
  idle_for(10'000);
  EXPECT_EQ(world.state("pi1"), PowerState::halting);
  EXPECT_EQ(world.state("pi2"), PowerState::on) << "(40 s + 10 s) x 8 W / 2 W";
  idle_for(75'000);
  EXPECT_EQ(world.state("pi2"), PowerState::halting);
  world.cluster.take_controls();
}

TEST_F(PowerIdle, WhatAPersonWantsIsNotOverridden) {
  PowerWorld world(config(2));
  world.join("pi1");
  world.on("pi1");
  world.cluster.pass(300'000, {"pi1"});
  EXPECT_EQ(world.state("pi1"), PowerState::on) << "wanted on by ada";
  world.cluster.pass(10'000);
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::off);
  world.cluster.submit();
  world.cluster.pass(60'000);
  EXPECT_EQ(world.state("pi1"), PowerState::off) << "wanted off by ada, whatever waits";
}

TEST_F(PowerIdle, DrainedAndKeepWarmNodesAndAPauseAreRespected) {
  Config guarded = config(3);
  guarded.power.keep_on = {"pi1"};
  PowerWorld world(guarded);
  for (const char* name : {"pi1", "pi2", "pi3"}) world.join(name);
  world.ask(DrainRequest{{"pi2"}, true, "new fan"});
  world.cluster.pass(50'000, {"pi1", "pi2", "pi3"});
  world.ask(PowerPauseRequest{true, "a demo"});
  world.cluster.pass(100'000, {"pi1", "pi2", "pi3"});
  for (const char* name : {"pi1", "pi2", "pi3"}) EXPECT_EQ(world.state(name), PowerState::on) << name;
  world.ask(PowerPauseRequest{false, ""});
  world.cluster.pass(1000, {"pi1", "pi2", "pi3"});
  EXPECT_EQ(world.state("pi3"), PowerState::halting);
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_EQ(world.state("pi2"), PowerState::on);
  world.cluster.take_controls();
}

TEST_F(PowerRequests, AutoEndsWhatAPersonWanted) {
  Config config = PowerWorld::with_lines({line_of("pi1")});
  config.power.idle_off_ms = 60'000;
  PowerWorld world(config);
  world.join("pi1");
  world.on("pi1");
  world.cluster.pass(120'000, {"pi1"});
  EXPECT_EQ(world.state("pi1"), PowerState::on) << "a person wants it on";
  const auto reply = world.ask_power("pi1", PowerRequest::Act::automatic);
  EXPECT_EQ(reply["nodes"][0]["desired"], "none");
  world.pass_until("pi1", PowerState::halting, {"pi1"});
  world.cluster.take_controls();
}

TEST_F(PowerRequests, AutoLeavesASleepingNodeOffUntilThereIsWork) {
  Config config = PowerWorld::with_lines({line_of("pi1")});
  config.power.idle_off_ms = 60'000;
  PowerWorld world(config);
  world.join("pi1");
  world.off("pi1", PowerHow::force);
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::off);
  world.cluster.take_controls();
  world.cluster.submit();
  world.cluster.pass(10'000);
  EXPECT_EQ(world.state("pi1"), PowerState::off) << "a person wants it off";
  world.ask_power("pi1", PowerRequest::Act::automatic);
  world.pass_until("pi1", PowerState::starting);
}

}  // namespace
}  // namespace bramble::aggregator::test
