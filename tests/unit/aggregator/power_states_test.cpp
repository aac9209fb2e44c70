// The way down as people want it, and nodes that are heard. Starts, faults and other lines than relays:
// power_starts_test.cpp; silent nodes: power_recovery_test.cpp.
#include "power_test.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using PowerStates = PowerTest;

TEST_F(PowerStates, ANodeIsUnknownUntilItBeats) {
  PowerWorld world(relays(1));
  EXPECT_EQ(world.state("pi1"), PowerState::unknown);
  world.join("pi1");
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerStates, AnUnknownNodeWhoseLineReadsOffIsOff) {
  PowerWorld world(relays(1), {}, [](Rail& rail) { rail.set(0, false); });
  EXPECT_EQ(world.state("pi1"), PowerState::off);
  EXPECT_THAT(world.rail.edges, IsEmpty()) << "and nobody wants it on";
}

TEST_F(PowerStates, AnUnknownNodeThatSaidGoodbyeIsStoppedAndIsLeftAlone) {
  Config config = relays(1);
  config.power.recovery = true;
  PowerWorld world(config);
  world.join("pi1");
  world.say_goodbye("pi1");
  EXPECT_EQ(world.state("pi1"), PowerState::stopped);
  world.cluster.pass(900'000);
  EXPECT_EQ(world.state("pi1"), PowerState::stopped);
  EXPECT_THAT(world.rail.edges, IsEmpty());
  world.join("pi1", 2);
  EXPECT_EQ(world.state("pi1"), PowerState::on);
}

TEST_F(PowerStates, OffDrainsAsksForAShutdownWaitsForTheHaltAndOnlyThenCuts) {
  PowerWorld world(relays(1));
  world.join("pi1");
  const AttemptKey id = world.run_task("pi1");
  world.off("pi1");
  EXPECT_EQ(world.state("pi1"), PowerState::draining);
  EXPECT_EQ(world.waits("pi1"), "1 task to end");
  world.cluster.submit();
  EXPECT_FALSE(world.cluster.has_message("pi1")) << "it gets no new work";
  world.cluster.pass(5000, {"pi1"});
  EXPECT_THAT(world.cluster.take_controls(), IsEmpty());
  world.cluster.event("pi1", Harness::finished(id));
  world.cluster.take("pi1");
  world.cluster.pass(100);
  EXPECT_EQ(world.state("pi1"), PowerState::halting);
  const auto controls = world.cluster.take_controls();
  ASSERT_EQ(controls.size(), 1U);
  EXPECT_EQ(controls[0].node, "pi1");
  EXPECT_EQ(controls[0].control.action, wire::ControlAction::shutdown);
  EXPECT_EQ(controls[0].control.session, world.cluster.session("pi1"));
  EXPECT_GT(controls[0].expiry_s, 0U);
  world.say_goodbye("pi1");
  world.cluster.pass(80'000);
  EXPECT_THAT(world.rail.edges, IsEmpty()) << "nothing shows yet that it has halted";
  world.cluster.pass(15'000);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("off pi1"));
  world.pass_until("pi1", PowerState::off);
}

TEST_F(PowerStates, ANodeThatWasToHaltAndComesBackIsNotTakenForSilentBeforeItHasToldWhatItHolds) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.off("pi1");
  halt(world);
  world.cluster.pass(88'000);
  auto again = Harness::identity("pi1");
  again.counter = 2;
  world.cluster.say("pi1", wire::NodeTopic::status, again);
  world.cluster.pass(4000, {"pi1"});
  EXPECT_EQ(world.state("pi1"), PowerState::halting);
  EXPECT_THAT(world.waits("pi1"), HasSubstr("has not told yet what it holds"));
  EXPECT_THAT(world.rail.edges, IsEmpty());
  world.cluster.drop_messages();
  world.cluster.take_controls();
}

TEST_F(PowerStates, AShutdownIsAskedForAgainWhileTheNodeIsHeard) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.off("pi1");
  world.cluster.pass(11'000, {"pi1"});
  EXPECT_EQ(world.cluster.take_controls().size(), 3U);
}

TEST_F(PowerStates, NoShutdownIsAskedForThatCouldComeWhenTheNodeWasGivenUpForOn) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.off("pi1");
  world.cluster.pass(70'000, {"pi1"});
  EXPECT_FALSE(world.cluster.take_controls().empty());
  world.cluster.pass(30'000, {"pi1"});
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_THAT(world.cluster.take_controls(), IsEmpty());
}

TEST_F(PowerStates, AHaltLineShowsThatItMayBeCut) {
  PowerWorld world(PowerWorld::with_lines({line_of("pi1"), line_of("pi1", LineRole::halted)}));
  world.join("pi1");
  world.off("pi1");
  halt(world);
  world.cluster.pass(20'000);
  EXPECT_EQ(world.state("pi1"), PowerState::halting);
  world.rail.set(1, true);
  world.cluster.pass(2000);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("off pi1"));
}

TEST_F(PowerStates, AHaltLineSaysNothingWhileTheNodeBeats) {
  PowerWorld world(PowerWorld::with_lines({line_of("pi1"), line_of("pi1", LineRole::halted)}));
  world.rail.set(1, true);
  world.join("pi1");
  world.off("pi1");
  world.cluster.pass(80'000, {"pi1"});
  EXPECT_THAT(world.rail.edges, IsEmpty()) << "it is wired wrongly, perhaps";
  world.cluster.take_controls();
}

TEST_F(PowerStates, SilenceWithQuietWattsShowsThatItMayBeCut) {
  PowerWorld world(PowerWorld::with_lines({line_of("pi1"), line_of("pi1", LineRole::meter)}));
  world.rail.power_mw[1] = 2700;
  world.join("pi1");
  world.off("pi1");
  halt(world);
  world.cluster.pass(60'000);
  EXPECT_EQ(world.state("pi1"), PowerState::halting);
  world.rail.power_mw[1] = 400;
  world.cluster.pass(2000);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("off pi1"));
  world.rail.power_mw[1] = 0;
  world.pass_until("pi1", PowerState::off);
  world.cluster.pass(2000);
  EXPECT_TRUE(world.node("pi1").record.off_proved);
}

TEST_F(PowerStates, ANodeThatDrawsPowerPastTheHaltLimitIsNotCutUnlessThePolicySaysSo) {
  Config config = PowerWorld::with_lines({line_of("pi1"), line_of("pi1", LineRole::meter)});
  for (const bool cut_unhalted : {false, true}) {
    config.power.cut_unhalted = cut_unhalted;
    PowerWorld world(config);
    world.rail.power_mw[1] = 2700;
    world.join("pi1");
    world.off("pi1");
    halt(world);
    world.cluster.pass(200'000);
    EXPECT_EQ(world.rail.take_edges().size(), cut_unhalted ? 1U : 0U);
    if (!cut_unhalted) {
      EXPECT_THAT(world.waits("pi1"), HasSubstr("--force"));
    }
  }
}

TEST_F(PowerStates, ANodeThatStillBeatsAtTheHaltLimitStaysOn) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.off("pi1");
  world.cluster.pass(90'500, {"pi1"});
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_EQ(world.node("pi1").record.wish, PowerWish::none) << "it would be asked for ever";
  EXPECT_THAT(world.rail.edges, IsEmpty());
  EXPECT_THAT(world.cluster.take_warnings(), Contains(HasSubstr("did not shut down")));
  world.cluster.take_controls();
}

TEST_F(PowerStates, ANodeThatBootsAnewInsteadOfHaltingIsNotCut) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.off("pi1");
  halt(world);
  world.cluster.pass(30'000);
  world.join("pi1", 2, "boot-2");
  EXPECT_THAT(world.rail.edges, IsEmpty());
  world.cluster.pass(100);
  EXPECT_EQ(world.state("pi1"), PowerState::draining) << "it is wanted off still, and asked anew";
  world.cluster.take_controls();
}

TEST_F(PowerStates, NoSilenceCountsWhileTheBrokerIsAway) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.off("pi1");
  halt(world);
  world.cluster.step(
      [&](Effects& effects) { on_disconnected(world.cluster.state(), effects, world.cluster.now(), "x"); });
  world.cluster.pass(300'000);
  world.cluster.take_connect();
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerStates, AnOnCallsOffADrain) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.run_task("pi1");
  world.off("pi1");
  world.cluster.pass(100, {"pi1"});
  world.on("pi1");
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerStates, AnOnThatComesWhileItHaltsStartsItAgain) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.off("pi1");
  halt(world);
  world.on("pi1");
  world.pass_until("pi1", PowerState::starting);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("off pi1", "on pi1"));
}

TEST_F(PowerStates, AGoodbyeWhileItIsDrainedMayBeAnUpgradeAndIsWaitedFor) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.run_task("pi1");
  world.off("pi1");
  world.say_goodbye("pi1");
  EXPECT_EQ(world.state("pi1"), PowerState::stopped);
  world.cluster.pass(300'000);
  EXPECT_THAT(world.rail.edges, IsEmpty());
  EXPECT_THAT(world.waits("pi1"), HasSubstr("perhaps only its agent was stopped"));
  world.join("pi1", 2);
  world.cluster.pass(100);
  EXPECT_EQ(world.state("pi1"), PowerState::draining) << "what was wanted still is";
  world.cluster.take_controls();
}

TEST_F(PowerStates, AsapGivesBackWhatHasNotBegunAndCleanLetsItEnd) {
  for (const PowerHow how : {PowerHow::clean, PowerHow::asap}) {
    PowerWorld world(relays(1));
    world.join("pi1");
    world.cluster.submit({0, 5, 1});
    world.cluster.drop_messages();
    const size_t given = world.cluster.state().nodes[0].attempts.size();
    ASSERT_GT(given, 0U);
    for (const auto& key : world.cluster.state().nodes[0].attempts) {
      world.cluster.event("pi1", Harness::simple(wire::EventType::taken, key));
    }
    world.off("pi1", how);
    world.cluster.pass(2000, {"pi1"});
    size_t recalled = 0;
    while (world.cluster.has_message("pi1")) recalled += world.cluster.take("pi1").recall.size();
    EXPECT_EQ(recalled > 0, how == PowerHow::asap);
  }
}

TEST_F(PowerStates, ForceDoesNotWaitForTasksButStillAsksANodeThatIsHeard) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.run_task("pi1");
  world.off("pi1", PowerHow::force);
  world.cluster.pass(200, {"pi1"});
  EXPECT_EQ(world.state("pi1"), PowerState::halting);
  EXPECT_EQ(world.cluster.take_controls().size(), 1U);
  EXPECT_THAT(world.rail.edges, IsEmpty());
  world.cluster.pass(91'000, {"pi1"});
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("off pi1")) << "at the halt limit it is cut all the same";
  world.cluster.take_controls();
}

TEST_F(PowerStates, ForceSaidTwiceCutsAtOnce) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.off("pi1", PowerHow::force);
  world.cluster.pass(200, {"pi1"});
  world.off("pi1", PowerHow::force);
  world.cluster.pass(200, {"pi1"});
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("off pi1"));
  world.cluster.take_controls();
}

TEST_F(PowerStates, ForceCutsASilentNodeAtOnceAndWithoutItNothingIsCut) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.cluster.pass(20'000);
  world.off("pi1");
  world.cluster.pass(10'000);
  EXPECT_THAT(world.rail.edges, IsEmpty());
  EXPECT_THAT(world.waits("pi1"), HasSubstr("--force"));
  world.off("pi1", PowerHow::force);
  world.cluster.pass(200);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("off pi1"));
}

}  // namespace
}  // namespace bramble::aggregator::test
