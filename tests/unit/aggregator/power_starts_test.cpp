// Starts, faults, buttons and resets, and what proves that a node has no power.
#include "power_test.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using PowerStarts = PowerTest;

TEST_F(PowerStarts, ARelayThatReadsOnAfterItWasSwitchedIsAFault) {
  PowerWorld world(relays(1));
  world.rail.stuck.insert(0);
  world.join("pi1");
  world.cluster.pass(10'000);
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::fault);
  EXPECT_THAT(world.node("pi1").record.cause, HasSubstr("reads on"));
  EXPECT_LE(world.rail.edges.size(), 11U) << "a switch is tried again, once a second at most";
}

TEST_F(PowerStarts, ANodeThatBeatsAlthoughItsLineReadsOffIsAFault) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.off("pi1", PowerHow::force);
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::cutting, {"pi1"});
  world.cluster.take_controls();
  world.beat_on("pi1");
  world.pass_until("pi1", PowerState::fault, {"pi1"});
  EXPECT_THAT(world.node("pi1").record.cause, HasSubstr("still beats"));
}

TEST_F(PowerStarts, ANodeThatBeatsLongAfterItWasSwitchedOffIsAFaultToo) {
  PowerWorld world(relays(1), {}, [](Rail& rail) { rail.set(0, false); });
  ASSERT_EQ(world.state("pi1"), PowerState::off);
  world.join("pi1");
  EXPECT_EQ(world.state("pi1"), PowerState::fault);
  EXPECT_THAT(world.node("pi1").record.cause, HasSubstr("relay sticks"));
}

TEST_F(PowerStarts, ANodeThatSomebodySwitchedOnByHandIsTakenAsItIs) {
  PowerWorld world(relays(1), {}, [](Rail& rail) { rail.set(0, false); });
  world.rail.set(0, true);
  world.cluster.pass(31'000);
  EXPECT_EQ(world.state("pi1"), PowerState::unknown);
  world.join("pi1");
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerStarts, ANodeThatSomebodySwitchedOffByHandIsOffAndWhatWasWantedIsOver) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.on("pi1");
  world.rail.set(0, false);
  world.cluster.pass(40'000);
  EXPECT_EQ(world.state("pi1"), PowerState::off);
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerStarts, AStartEndsWithTheBeatOfANewBootAndIsLearned) {
  PowerWorld world(relays(1), {}, [](Rail& rail) { rail.set(0, false); });
  world.on("pi1");
  world.pass_until("pi1", PowerState::starting);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("on pi1"));
  world.cluster.pass(25'000);
  world.join("pi1", 2, "boot-2");
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_NEAR(static_cast<double>(world.node("pi1").record.boot_ms), 25'000, 300);
}

TEST_F(PowerStarts, ANodeThatNeverBootsIsTriedThreeTimesWithLongerPausesThenItIsAFault) {
  PowerWorld world(relays(1), {}, [](Rail& rail) { rail.set(0, false); });
  world.on("pi1");
  world.pass_until("pi1", PowerState::fault);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("on pi1", "off pi1", "on pi1", "off pi1", "on pi1"));
  EXPECT_THAT(world.node("pi1").record.cause, HasSubstr("3 times in a row"));
  world.cluster.pass(1'000'000);
  EXPECT_THAT(world.rail.edges, IsEmpty()) << "a probe switches nothing";
}

TEST_F(PowerStarts, ACycleHoldsThePowerOffForAWhile) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.cycle("pi1");
  halt(world);
  world.pass_until("pi1", PowerState::cutting);
  const int64_t cut_ms = world.cluster.now().mono.ms;
  world.pass_until("pi1", PowerState::starting);
  EXPECT_GE(world.cluster.now().mono.ms - cut_ms, 10'000) << "held for 5 s, and cooled down for 5 s";
  world.join("pi1", 2, "boot-2");
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  world.cluster.pass(60'000, {"pi1"});
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("off pi1", "on pi1")) << "once";
}

TEST_F(PowerStarts, AnOffInTheCoolDownLeavesItOff) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.cycle("pi1");
  halt(world);
  world.pass_until("pi1", PowerState::cool_down);
  world.off("pi1");
  world.cluster.pass(60'000);
  EXPECT_EQ(world.state("pi1"), PowerState::off);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("off pi1"));
}

TEST_F(PowerStarts, AFaultIsClearedByAPersonAndTheLinesAreReadAnew) {
  PowerWorld world(relays(1));
  world.rail.stuck.insert(0);
  world.join("pi1");
  world.cluster.pass(10'000);
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::fault);
  world.rail.take_edges();
  world.rail.stuck.clear();
  world.rail.set(0, false);
  world.ask(ClearFaultRequest{{"pi1"}, "new relay"});
  world.cluster.pass(2000);
  EXPECT_EQ(world.state("pi1"), PowerState::off);
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerStarts, AProbeEndsAFaultThatIsOver) {
  PowerWorld world(relays(1));
  world.rail.stuck.insert(0);
  world.join("pi1");
  world.cluster.pass(10'000);
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::fault);
  world.rail.take_edges();
  world.rail.set(0, false);
  world.cluster.pass(290'000);
  EXPECT_EQ(world.state("pi1"), PowerState::fault);
  world.cluster.pass(12'000);
  EXPECT_EQ(world.state("pi1"), PowerState::off);
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerStarts, ALineThatDoesNotAnswerACutIsAFault) {
  PowerWorld world(relays(1));
  world.join("pi1");
  world.cluster.pass(10'000);
  world.rail.mute.insert(0);
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::fault);
}

TEST_F(PowerStarts, ASwitchThatIsNotAnsweredIsAskedForAgain) {
  PowerWorld world(relays(1), {}, [](Rail& rail) { rail.set(0, false); });
  world.rail.mute.insert(0);
  world.on("pi1");
  world.cluster.pass(25'000);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("on pi1", "on pi1", "on pi1"));
  EXPECT_THAT(world.cluster.take_warnings(), Contains(HasSubstr("line relay-pi1 of node pi1: it has not answered")));
}

TEST_F(PowerStarts, AButtonIsPressedToStartAndNeverTwice) {
  PowerWorld world(PowerWorld::with_lines({line_of("pi1", LineRole::button)}));
  world.join("pi1");
  world.off("pi1");
  halt(world);
  world.pass_until("pi1", PowerState::off);
  EXPECT_THAT(world.rail.edges, IsEmpty()) << "it has halted by itself: there is nothing to cut";
  EXPECT_FALSE(world.node("pi1").record.off_proved) << "a button proves nothing";
  world.on("pi1");
  world.cluster.pass(100'000);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("press 500 pi1"));
  world.join("pi1", 2, "boot-2");
  EXPECT_EQ(world.state("pi1"), PowerState::on);
}

TEST_F(PowerStarts, APressWhoseEndIsNotToldIsNotRepeated) {
  PowerWorld world(PowerWorld::with_lines({line_of("pi1", LineRole::button)}));
  world.join("pi1");
  world.off("pi1");
  halt(world);
  world.pass_until("pi1", PowerState::off);
  world.rail.mute.insert(0);
  world.on("pi1");
  world.cluster.pass(110'000);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("press 500 pi1"));
}

TEST_F(PowerStarts, APressIsWrittenDownInTheStepThatAsksForIt) {
  PowerWorld world(PowerWorld::with_lines({line_of("pi1", LineRole::button)}));
  world.join("pi1");
  world.off("pi1");
  halt(world);
  world.pass_until("pi1", PowerState::off);
  Effects effects;
  world.cluster.step([&](Effects& own) {
    on_api(world.cluster.state(), own, world.cluster.now(),
           {kAda, PowerRequest{{"pi1"}, PowerRequest::Act::on, PowerHow::clean, ""}, [](const ApiReply&) {}});
    ASSERT_EQ(own.lines.size(), 1U);
    ASSERT_EQ(own.lines[0].action, LineAction::press);
    const auto* last = [&]() -> const PutPower* {
      for (auto write = own.writes.rbegin(); write != own.writes.rend(); ++write) {
        if (const auto* put = std::get_if<PutPower>(&*write)) return put;
      }
      return nullptr;
    }();
    ASSERT_NE(last, nullptr);
    EXPECT_TRUE(last->power.press_open);
    EXPECT_EQ(last->power.presses, 1U);
    EXPECT_EQ(last->power.state, PowerState::starting);
  });
  world.cluster.take_reply();
}

// Found by the simulator: what was asked while a commit was slow was given up in the step that asked for it.
TEST_F(PowerStarts, APressIsNotGivenUpBeforeItHasLeft) {
  PowerWorld world(PowerWorld::with_lines({line_of("pi1", LineRole::button)}));
  world.join("pi1");
  world.off("pi1");
  halt(world);
  world.pass_until("pi1", PowerState::off);
  world.cluster.step([&](Effects& own) {
    State& state = world.cluster.state();
    const Now received = world.cluster.now();
    const Now applied{received.mono + 30'000, received.wall};
    on_api(state, own, received,
           {kAda, PowerRequest{{"pi1"}, PowerRequest::Act::on, PowerHow::clean, ""}, [](const ApiReply&) {}});
    on_tick(state, own, applied);
    EXPECT_TRUE(world.node("pi1").record.press_open);
  });
  world.cluster.take_reply();
}

TEST_F(PowerStarts, AButtonIsHeldLongToForceANodeDown) {
  PowerWorld world(PowerWorld::with_lines({line_of("pi1", LineRole::button)}));
  world.join("pi1");
  world.cluster.pass(10'000);
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::off);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("press 10000 pi1"));
}

TEST_F(PowerStarts, ANodeWithAResetIsHaltedAndPulsedWhenItIsCycled) {
  PowerWorld world(PowerWorld::with_lines({line_of("pi1", LineRole::reset)}));
  world.join("pi1");
  world.cycle("pi1");
  halt(world);
  world.pass_until("pi1", PowerState::starting);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("press 500 pi1"));
  world.join("pi1", 2, "boot-2");
  EXPECT_EQ(world.state("pi1"), PowerState::on);
}

TEST_F(PowerStarts, ASilentNodeWithAResetIsPulsedWhenItsCycleIsForced) {
  PowerWorld world(PowerWorld::with_lines({line_of("pi1", LineRole::reset)}));
  world.join("pi1");
  world.cluster.pass(10'000);
  world.cycle("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::starting, {}, 10'000);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("press 500 pi1"));
}

TEST_F(PowerStarts, FenceTasksRunAgainWhenOffIsProvedByTheMeter) {
  PowerWorld world(PowerWorld::with_lines({line_of("pi1"), line_of("pi1", LineRole::meter)}));
  world.join("pi1");
  const AttemptKey id = world.run_task("pi1", NodeLossPolicy::fence);
  world.rail.power_mw[1] = 3000;
  world.cluster.pass(6000);
  world.off("pi1", PowerHow::force);
  world.cluster.pass(3000);
  EXPECT_EQ(world.cluster.state().tasks.at(id.task_key()).state, TaskState::silent);
  world.rail.power_mw[1] = 0;
  world.pass_until("pi1", PowerState::off);
  world.cluster.pass(2000);
  EXPECT_EQ(world.cluster.state().tasks.at(id.task_key()).state, TaskState::queued);
}

TEST_F(PowerStarts, WithoutAMeterFenceTasksWaitForTheirLeaseToo) {
  PowerWorld world(relays(1));
  world.join("pi1");
  const AttemptKey id = world.run_task("pi1", NodeLossPolicy::fence);
  world.cluster.beat("pi1");
  world.cluster.pass(4000);
  world.off("pi1", PowerHow::force);
  world.pass_until("pi1", PowerState::off);
  EXPECT_FALSE(world.node("pi1").record.off_proved);
  EXPECT_EQ(world.cluster.state().tasks.at(id.task_key()).state, TaskState::silent);
  world.cluster.pass(22'000);
  EXPECT_TRUE(world.node("pi1").record.off_proved);
  EXPECT_EQ(world.cluster.state().tasks.at(id.task_key()).state, TaskState::queued);
}

}  // namespace
}  // namespace bramble::aggregator::test
