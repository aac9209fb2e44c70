// What the power machine must not do, whatever comes together: cut what it cannot hear, repeat what was forced, press
// what is not there, take a failure for a success.
#include "power_test.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using PowerGuards = PowerTest;

const std::vector<std::string> kAll{"pi1", "pi2", "pi3"};
const std::vector<std::string> kOthers{"pi2", "pi3"};

// pi1 hangs on such lines, the others on relays; nodes that hang are recovered.
Config recovering(std::vector<LineRole> roles) {
  std::vector<LineSpec> lines{line_of("pi2"), line_of("pi3")};
  for (const LineRole role : roles) lines.push_back(line_of("pi1", role));
  Config config = PowerWorld::with_lines(lines);
  config.power.recovery = true;
  return config;
}

void join_all(PowerWorld& world) {
  for (const auto& name : kAll) world.join(name);
}

TEST_F(PowerGuards, ANodeThatOnlyHasLinesThatAreReadIsNotRecovered) {
  PowerWorld world(recovering({LineRole::meter, LineRole::halted}));
  join_all(world);
  world.cluster.pass(900'000, kOthers);
  EXPECT_EQ(world.state("pi1"), PowerState::unknown);
  EXPECT_THAT(world.waits("pi1"), HasSubstr("not heard"));
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerGuards, AStartIsNotGivenUpForTimeInWhichNothingCouldBeHeard) {
  PowerWorld world(relays(1), {}, [](Rail& rail) { rail.set(0, false); });
  world.on("pi1");
  world.pass_until("pi1", PowerState::starting);
  world.rail.take_edges();
  world.cluster.step(
      [&](Effects& effects) { on_disconnected(world.cluster.state(), effects, world.cluster.now(), ""); });
  world.cluster.pass(600'000);
  EXPECT_EQ(world.state("pi1"), PowerState::starting);
  world.cluster.connect();
  world.cluster.pass(60'000);
  EXPECT_EQ(world.state("pi1"), PowerState::starting) << "its time begins when it could be heard again";
  EXPECT_THAT(world.rail.edges, IsEmpty());
  world.pass_until("pi1", PowerState::cutting);
}

TEST_F(PowerGuards, WhatWasForcedOffIsNotCutAgainWhenSomebodySwitchesItOn) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.off("pi1", PowerHow::force);
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::off);
  world.cluster.take_controls();
  world.rail.take_edges();
  world.rail.set(0, true);
  world.cluster.pass(300'000);
  EXPECT_EQ(world.state("pi1"), PowerState::stopped);
  EXPECT_THAT(world.waits("pi1"), HasSubstr("--force"));
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerGuards, WhatWasForcedOnOneLineIsNotForcedOnAnother) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.cluster.pass(10'000);
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::cutting);
  LoadedState loaded = world.stored();
  Config moved = relays(1);
  moved.power.lines[0].name = "another relay";
  PowerWorld after(moved, loaded);
  after.cluster.pass(300'000);
  EXPECT_EQ(after.state("pi1"), PowerState::unknown);
  EXPECT_EQ(after.node("pi1").record.wish, PowerWish::off) << "that is still wanted";
  EXPECT_THAT(after.rail.edges, IsEmpty());
  world.cluster.take_controls();
}

TEST_F(PowerGuards, ACutMayBeHeldForLongerThanASwitchMayTake) {
  Config config = relays(1);
  config.power.hold_ms = 60'000;
  PowerWorld world(config);
  world.join("pi1");
  world.cluster.pass(10'000);
  world.off("pi1", PowerHow::force);
  world.cluster.pass(58'000);
  EXPECT_EQ(world.state("pi1"), PowerState::cutting);
  world.pass_until("pi1", PowerState::off, {}, 5000);
}

TEST_F(PowerGuards, NodesWhoseWardensHangAreNotCountedAsWell) {
  PowerWorld world(recovering({LineRole::supply}));
  join_all(world);
  for (const auto& name : {"pi1", "pi2"}) world.cluster.warden_silent_ms[name] = 60'000;
  world.cluster.pass(900'000, kAll);
  EXPECT_EQ(world.state("pi1"), PowerState::suspect);
  EXPECT_THAT(world.waits("pi1"), HasSubstr("only 1 of 3 nodes are well"));
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerGuards, ANodeWithOnlyAResetIsPulsedAlthoughItBeats) {
  PowerWorld world(recovering({LineRole::reset}));
  join_all(world);
  world.cluster.warden_silent_ms["pi1"] = 60'000;
  world.pass_until("pi1", PowerState::fencing, kAll);
  world.beat_on("pi1");
  world.pass_until("pi1", PowerState::starting, kAll);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("press 500 pi1"));
  world.cluster.warden_silent_ms.clear();
  world.join("pi1", 2, "boot-2");
  EXPECT_EQ(world.state("pi1"), PowerState::on);
}

TEST_F(PowerGuards, AForcedCycleOfANodeWithOnlyAResetEndsWithItsPulse) {
  PowerWorld world(PowerWorld::with_lines({line_of("pi1", LineRole::reset)}));
  world.join("pi1");
  world.cycle("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::starting, {"pi1"}, 200'000);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("press 500 pi1"));
  world.cluster.take_controls();
}

TEST_F(PowerGuards, WithAButtonAndAResetAHangingNodeIsHeldDownAndThenPressed) {
  PowerWorld world(recovering({LineRole::button, LineRole::reset}));
  join_all(world);
  world.pass_until("pi1", PowerState::starting, kOthers);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("press 10000 pi1", "press 500 pi1"));
}

TEST_F(PowerGuards, APauseEndsADrainOfTheAutomationAndHoldsItsCutBack) {
  Config config = relays(2);
  config.power.idle_off_ms = 60'000;
  PowerWorld world(config);
  for (const auto& name : {"pi1", "pi2"}) world.join(name);
  world.pass_until("pi1", PowerState::halting, {"pi1", "pi2"});
  world.cluster.take_controls();
  world.ask(PowerPauseRequest{true, "a demo"});
  world.say_goodbye("pi1");
  world.pass_until("pi1", PowerState::cutting, {"pi2"});
  world.cluster.pass(60'000, {"pi2"});
  EXPECT_THAT(world.waits("pi1"), HasSubstr("paused by ada"));
  EXPECT_THAT(world.rail.edges, IsEmpty());
  world.ask(PowerPauseRequest{false, ""});
  world.cluster.pass(1000, {"pi2"});
  EXPECT_EQ(world.rail.edges.front(), "off pi1");
  world.cluster.take_controls();
}

TEST_F(PowerGuards, APauseDoesNotHoldBackWhatAPersonWants) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.cluster.pass(10'000);
  world.ask(PowerPauseRequest{true, "a demo"});
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::off);
}

TEST_F(PowerGuards, ACycleOutlivesARestartOfTheAgent) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.run_task("pi1");
  world.cycle("pi1");
  EXPECT_EQ(world.state("pi1"), PowerState::draining);
  world.say_goodbye("pi1");
  EXPECT_EQ(world.state("pi1"), PowerState::stopped);
  world.join("pi1", 2);
  world.cluster.pass(1000, {"pi1"});
  EXPECT_EQ(world.state("pi1"), PowerState::draining) << "its task goes on, and then it is cycled";
}

TEST_F(PowerGuards, ANodeThatTurnsOutToBeTheHeadIsNotSwitchedOff) {
  Config guarded = relays(1);
  guarded.power.head_machine_id = "machine-pi1";
  PowerWorld world(guarded);
  world.off("pi1");
  world.join("pi1");
  world.cluster.pass(300'000, {"pi1"});
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_THAT(world.waits("pi1"), HasSubstr("the aggregator runs there"));
  EXPECT_THAT(world.cluster.take_controls(), IsEmpty());
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerGuards, APressThatFailedIsNotTakenForDone) {
  PowerWorld world(PowerWorld::with_lines({line_of("pi1", LineRole::button)}));
  world.join("pi1");
  world.cluster.pass(10'000);
  world.rail.errors[0] = "permission denied";
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::fault);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("press 10000 pi1")) << "and it is not repeated";
}

TEST_F(PowerGuards, ARelayThatDoesNotGoOnIsAFaultWithItsCauseAndIsToldOnce) {
  PowerWorld world(relays(1), {}, [](Rail& rail) { rail.set(0, false); });
  world.rail.stuck.insert(0);
  world.on("pi1");
  world.pass_until("pi1", PowerState::fault, {}, 20'000);
  EXPECT_THAT(world.node("pi1").record.cause, HasSubstr("it was switched on and reads off"));
  EXPECT_GT(world.rail.edges.size(), 2U);
  const auto rows = world.audit();
  EXPECT_EQ(std::count_if(rows.begin(), rows.end(),
                          [](const auto& row) { return row.find("switched on (") != std::string::npos; }),
            1);
  EXPECT_THAT(world.cluster.take_warnings(), testing::Each(testing::Not(HasSubstr("line relay-pi1")))) << "it answers";
}

TEST_F(PowerGuards, AWishForOnThatWasNotMetOutlivesAFault) {
  PowerWorld world(relays(1), {}, [](Rail& rail) { rail.set(0, false); });
  world.rail.stuck.insert(0);
  world.on("pi1");
  world.pass_until("pi1", PowerState::fault, {}, 20'000);
  world.rail.stuck.clear();
  world.ask(ClearFaultRequest{{"pi1"}, "a new relay"});
  world.pass_until("pi1", PowerState::starting, {}, 20'000);
  world.cluster.take_warnings();
}

TEST_F(PowerGuards, ACycleThatIsDoneWantsNothingMore) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.cycle("pi1", PowerHow::force);
  world.cycle("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::starting);
  world.join("pi1", 2, "boot-2");
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_EQ(world.node("pi1").record.wish, PowerWish::none);
  world.cluster.take_controls();
}

// --- programs that tell no state ---

TEST_F(PowerGuards, AProgramThatTellsNoStateSwitchesANodeOnThatIsNotHeard) {
  PowerWorld world(relays(1), {}, [](Rail& rail) { rail.unreadable.insert(0); });
  EXPECT_EQ(world.state("pi1"), PowerState::unknown);
  world.on("pi1");
  world.pass_until("pi1", PowerState::starting, {}, 5000);
  world.cluster.pass(1000);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("on pi1"));
  world.join("pi1");
  EXPECT_EQ(world.state("pi1"), PowerState::on) << "also if it ran all the time";
}

TEST_F(PowerGuards, ANodeThatIsWantedOnAndHangsIsRecoveredAfterARestart) {
  const Config config = recovering({LineRole::button});
  PowerWorld world(config);
  join_all(world);
  world.on("pi1");
  world.cluster.pass(1000, kAll);
  PowerWorld after(config, world.stored());
  for (const auto& name : kOthers) after.join(name);
  after.pass_until("pi1", PowerState::fencing, kOthers);
}

TEST_F(PowerGuards, OfWhatTellsNoStateOnlyAPersonKnowsWhetherItIsOff) {
  PowerWorld world(PowerWorld::with_lines({line_of("pi1", LineRole::button), line_of("pi2", LineRole::reset)}));
  world.on("pi1");
  world.on("pi2");
  world.cluster.pass(60'000);
  EXPECT_THAT(world.waits("pi1"), HasSubstr("off --force, then on"));
  EXPECT_THAT(world.waits("pi2"), HasSubstr("cycle --force"));
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerGuards, WhatWasSwitchedOffByAProgramWithoutAStatusTakesNoWatts) {
  Config config = relays(2);
  config.power.supplies = {SupplyConfig{}};
  config.power.supplies[0].max_mw = 8000;
  PowerWorld world(config, {}, [](Rail& rail) { rail.unreadable = {0, 1}; });
  world.join("pi1");
  world.join("pi2");
  world.cluster.pass(10'000);
  for (const auto& name : {"pi1", "pi2"}) {
    world.off(name, PowerHow::force);
    world.pass_until(name, PowerState::off);
  }
  world.on("pi2");
  world.pass_until("pi2", PowerState::starting, {}, 5000);
}

TEST_F(PowerGuards, WattsThatNoNodeDrawsAreNotReckonedWith) {
  Config config = relays(2);
  config.power.supplies = {SupplyConfig{}};
  config.power.supplies[0].max_mw = 15'000;
  PowerWorld world(config, {}, [](Rail& rail) { rail.set(0, false); });
  world.join("pi2");
  wire::Telemetry reading;
  reading.values["power_w"] = 1e300;
  world.cluster.say("pi2", wire::NodeTopic::telemetry, reading);
  world.on("pi1");
  world.cluster.pass(5000, {"pi2"});
  EXPECT_EQ(world.state("pi1"), PowerState::starting);
}

// --- nodes without work ---

TEST_F(PowerGuards, OneTaskWakesOneNode) {
  Config config = relays(2);
  config.power.idle_off_ms = 60'000;
  PowerWorld world(config, {}, [](Rail& rail) { rail.set_all(true); });
  for (const auto& name : {"pi1", "pi2"}) world.join(name);
  for (const auto& name : {"pi1", "pi2"}) {
    world.pass_until(name, PowerState::halting, {"pi1", "pi2"});
    world.say_goodbye(name);
  }
  world.cluster.take_controls();
  for (const auto& name : {"pi1", "pi2"}) world.pass_until(name, PowerState::off);
  world.cluster.submit();
  world.pass_until("pi1", PowerState::starting);
  auto status = Harness::identity("pi1");
  status.counter = 2;
  status.boot_id = "boot-2";
  world.cluster.join(status);
  world.cluster.pass(1000, {"pi1"});
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_EQ(world.state("pi2"), PowerState::off);
  world.cluster.drop_messages();
}

TEST_F(PowerGuards, WorkThatNoNodeCouldHoldKeepsNoneOn) {
  Config config = relays(1);
  config.power.idle_off_ms = 60'000;
  PowerWorld world(config);
  world.join("pi1");
  JobSpec huge;
  huge.task.cpus = 1000;
  world.cluster.submit({0, 0, 1}, huge);
  world.pass_until("pi1", PowerState::halting, {"pi1"}, 70'000);
  world.cluster.take_controls();
}

}  // namespace
}  // namespace bramble::aggregator::test
