// Silent nodes: when their power is taken, and all that keeps it from being taken.
#include "power_test.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PowerRecovery : public PowerTest {
 protected:
  static Config config(int nodes = 3) {
    Config config = relays(nodes);
    config.power.recovery = true;
    return config;
  }
  static void join_three(PowerWorld& world) {
    for (const char* name : {"pi1", "pi2", "pi3"}) world.join(name);
  }
  const std::vector<std::string> others{"pi2", "pi3"};
};

TEST_F(PowerRecovery, ASilentNodeIsCutAndStartedAndItsTasksRunAgain) {
  PowerWorld world(config());
  join_three(world);
  const AttemptKey id = world.run_task("pi1", NodeLossPolicy::fence);
  world.cluster.pass(175'000, others);
  EXPECT_EQ(world.state("pi1"), PowerState::on) << "tasks are lost in seconds, power is not";
  world.pass_until("pi1", PowerState::suspect, others);
  world.cluster.pass(29'000, others);
  EXPECT_THAT(world.rail.edges, IsEmpty());
  world.pass_until("pi1", PowerState::fencing, others, 2000);
  world.cluster.pass(200, others);
  EXPECT_THAT(world.rail.edges, ElementsAre("off pi1"));
  world.pass_until("pi1", PowerState::cool_down, others, 6000);
  EXPECT_TRUE(world.node("pi1").record.off_proved);
  EXPECT_EQ(world.cluster.state().tasks.at(id.task_key()).attempts, 2U) << "elsewhere";
  world.pass_until("pi1", PowerState::starting, others);
  world.join("pi1", 2, "boot-2");
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("off pi1", "on pi1"));
}

TEST_F(PowerRecovery, WithoutItASilentNodeIsUnknownAndStaysSo) {
  PowerWorld world(relays(3));
  join_three(world);
  world.cluster.pass(900'000, others);
  EXPECT_EQ(world.state("pi1"), PowerState::unknown);
  EXPECT_THAT(world.rail.edges, IsEmpty());
  world.join("pi1", 2);
  EXPECT_EQ(world.state("pi1"), PowerState::on);
}

TEST_F(PowerRecovery, ABeatEndsTheSuspicion) {
  PowerWorld world(config());
  join_three(world);
  world.pass_until("pi1", PowerState::suspect, others);
  world.join("pi1", 2);
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerRecovery, AGoodbyeEndsTheSuspicion) {
  PowerWorld world(config());
  join_three(world);
  world.pass_until("pi1", PowerState::suspect, others);
  world.join("pi1", 2);
  world.say_goodbye("pi1", 2);
  world.cluster.pass(900'000, others);
  EXPECT_EQ(world.state("pi1"), PowerState::stopped);
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerRecovery, ALongLearnedBootMakesItWaitLonger) {
  LoadedState loaded;
  PowerRecord record;
  record.node = "pi1";
  record.boot_ms = 200'000;
  loaded.power = {record};
  PowerWorld world(config(), loaded);
  join_three(world);
  world.cluster.pass(395'000, others);
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  world.pass_until("pi1", PowerState::suspect, others, 15'000);
}

TEST_F(PowerRecovery, WithFewHealthyNodesNoneIsCut) {
  PowerWorld world(config());
  join_three(world);
  world.cluster.pass(900'000, {"pi3"});
  EXPECT_EQ(world.state("pi1"), PowerState::suspect);
  EXPECT_THAT(world.waits("pi1"), AllOf(HasSubstr("only 1 of 3 nodes"), HasSubstr("51 %")));
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerRecovery, NodesThatWereStoppedOrAreOffAreNotCountedAsSick) {
  PowerWorld world(config(4));
  for (const char* name : {"pi1", "pi2", "pi3", "pi4"}) world.join(name);
  world.say_goodbye("pi4");
  world.pass_until("pi1", PowerState::fencing, others);
}

TEST_F(PowerRecovery, WhilePausedNothingIsCutAndThenItIs) {
  PowerWorld world(config());
  join_three(world);
  world.ask(PowerPauseRequest{true, "new wiring"});
  world.cluster.pass(900'000, others);
  EXPECT_EQ(world.state("pi1"), PowerState::suspect);
  EXPECT_EQ(world.waits("pi1"), "paused by ada");
  world.ask(PowerPauseRequest{false, ""});
  world.pass_until("pi1", PowerState::fencing, others, 2000);
}

TEST_F(PowerRecovery, APauseHoldsTheStartOfACutNodeBackToo) {
  PowerWorld world(config());
  join_three(world);
  world.pass_until("pi1", PowerState::cool_down, others);
  world.ask(PowerPauseRequest{true, "hands in the rack"});
  world.cluster.pass(100'000, others);
  EXPECT_EQ(world.state("pi1"), PowerState::cool_down);
  world.on("pi1");
  EXPECT_EQ(world.state("pi1"), PowerState::starting) << "what a person asks for is done";
}

TEST_F(PowerRecovery, SilenceDoesNotCountWhileTheBrokerOrTheAggregatorWasAway) {
  PowerWorld world(config());
  join_three(world);
  world.cluster.pass(170'000, others);
  world.cluster.stall(30'000);
  world.cluster.pass(100'000, others);
  EXPECT_EQ(world.state("pi1"), PowerState::on);
}

TEST_F(PowerRecovery, TheLeaseMustBeOverToo) {
  Config long_lease = config();
  long_lease.lease_ms = 400'000;
  PowerWorld world(long_lease);
  join_three(world);
  world.cluster.pass(390'000, others);
  EXPECT_EQ(world.state("pi1"), PowerState::suspect);
  EXPECT_EQ(world.waits("pi1"), "its lease to end");
  world.pass_until("pi1", PowerState::fencing, others, 30'000);
}

TEST_F(PowerRecovery, ANodeThatBeatsAndNeverAnswersIsRecoveredAndItsTasksWaitForItsLease) {
  PowerWorld world(config());
  join_three(world);
  const AttemptKey id = world.run_task("pi1", NodeLossPolicy::fence);
  auto status = Harness::identity("pi1");
  status.counter = 2;
  world.cluster.say("pi1", wire::NodeTopic::status, status);  // it is welcomed, and never tells what it holds
  ASSERT_EQ(world.cluster.node_state("pi1"), NodeState::joining);
  const auto beat_until = [&](PowerState wanted) {
    for (int i = 0; i < 300 && world.state("pi1") != wanted; ++i) {
      world.cluster.pass(1000, {"pi1", "pi2", "pi3"});
      world.cluster.drop_messages();
    }
    ASSERT_EQ(world.state("pi1"), wanted) << world.waits("pi1");
  };
  beat_until(PowerState::fencing);
  world.cluster.drop_messages();
  world.cluster.pass(10'000, others);
  EXPECT_EQ(world.state("pi1"), PowerState::fencing);
  EXPECT_EQ(world.cluster.state().tasks.at(id.task_key()).attempts, 1U) << "an unmetered relay may stick";
  world.pass_until("pi1", PowerState::cool_down, others, 20'000);
  EXPECT_EQ(world.cluster.state().tasks.at(id.task_key()).attempts, 2U);
}

TEST_F(PowerRecovery, ARelayThatSticksIsAFaultAndItsFenceTasksWait) {
  Config metered = config();
  metered.power.lines.push_back(line_of("pi1", LineRole::meter));
  metered.lease_ms = 20'000;
  PowerWorld world(metered);
  world.rail.power_mw[3] = 3000;
  join_three(world);
  world.pass_until("pi1", PowerState::fencing, others);
  world.pass_until("pi1", PowerState::fault, others);
  EXPECT_THAT(world.node("pi1").record.cause, HasSubstr("still draws 3 W"));
  EXPECT_FALSE(world.node("pi1").record.off_proved);
}

TEST_F(PowerRecovery, ANodeThatDoesNotStayUpIsAFaultAfterThreeStarts) {
  PowerWorld world(config());
  join_three(world);
  for (uint64_t boot = 2; boot <= 4; ++boot) {
    world.pass_until("pi1", PowerState::starting, others);
    world.join("pi1", boot, "boot-" + std::to_string(boot));
  }
  world.pass_until("pi1", PowerState::fault, others);
  EXPECT_THAT(world.node("pi1").record.cause, HasSubstr("did not stay up"));
}

TEST_F(PowerRecovery, ANodeThatStaysUpHasAllItsStartsAgain) {
  PowerWorld world(config());
  join_three(world);
  world.pass_until("pi1", PowerState::starting, others);
  world.join("pi1", 2, "boot-2");
  world.cluster.pass(601'000, {"pi1", "pi2", "pi3"});
  EXPECT_EQ(world.node("pi1").record.starts, 0U);
}

TEST_F(PowerRecovery, TheHeadAndTheBrokersHostAreNeverCut) {
  Config guarded = config();
  guarded.power.head_machine_id = "machine-pi1";
  PowerWorld world(guarded);
  join_three(world);
  world.cluster.pass(900'000, others);
  EXPECT_EQ(world.state("pi1"), PowerState::unknown);
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerRecovery, AResetPulseBringsANodeBack) {
  Config reset = PowerWorld::with_lines({line_of("pi1", LineRole::reset), line_of("pi2"), line_of("pi3")});
  reset.power.recovery = true;
  PowerWorld world(reset);
  join_three(world);
  world.pass_until("pi1", PowerState::starting, others);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("press 500 pi1"));
  EXPECT_FALSE(world.node("pi1").record.off_proved);
  world.join("pi1", 2, "boot-2");
  EXPECT_EQ(world.state("pi1"), PowerState::on);
}

TEST_F(PowerRecovery, AButtonIsHeldLongAndThenPressed) {
  Config button = PowerWorld::with_lines({line_of("pi1", LineRole::button), line_of("pi2"), line_of("pi3")});
  button.power.recovery = true;
  PowerWorld world(button);
  join_three(world);
  world.pass_until("pi1", PowerState::starting, others);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("press 10000 pi1", "press 500 pi1"));
}

TEST_F(PowerRecovery, ANodeOfAnotherStoreIsLeftAlone) {
  PowerWorld world(config());
  join_three(world);
  auto foreign = Harness::identity("pi1");
  foreign.counter = 2;
  foreign.store = "99999999-2222-4333-8444-555555555555";
  world.cluster.say("pi1", wire::NodeTopic::status, foreign);
  world.cluster.pass(900'000, others);
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerRecovery, ItIsWrittenDownStepByStep) {
  PowerWorld world(config());
  join_three(world);
  world.pass_until("pi1", PowerState::starting, others);
  world.join("pi1", 2, "boot-2");
  std::vector<std::string> rows;
  for (const auto& row : world.audit()) {
    if (row.starts_with("automation pi1 ")) rows.push_back(row.substr(15));
  }
  EXPECT_THAT(rows, ElementsAre("on", "suspect", "fencing", "switched off (relay-pi1): reads off", "off is proved",
                                "cool-down", "starting", "switched on (relay-pi1): reads on", "on"));
}

TEST_F(PowerRecovery, ANodeThatBeatsWhileItsWardenHangsIsCutAndStarted) {
  PowerWorld world(config());
  join_three(world);
  const std::vector<std::string> all{"pi1", "pi2", "pi3"};
  world.cluster.warden_silent_ms["pi1"] = 60'000;
  world.cluster.pass(60'000, all);
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_THAT(world.waits("pi1"), HasSubstr("makes no progress"));
  world.pass_until("pi1", PowerState::suspect, all);
  EXPECT_THAT(world.node("pi1").record.cause, HasSubstr("its warden has not answered"));
  world.pass_until("pi1", PowerState::fencing, all);
  world.cluster.pass(200, others);
  EXPECT_THAT(world.rail.edges, ElementsAre("off pi1"));
  world.pass_until("pi1", PowerState::starting, others);
  world.cluster.warden_silent_ms.clear();
  world.join("pi1", 2, "boot-2");
  EXPECT_EQ(world.state("pi1"), PowerState::on);
}

TEST_F(PowerRecovery, AWardenThatAnswersAgainEndsTheSuspicion) {
  PowerWorld world(config());
  join_three(world);
  const std::vector<std::string> all{"pi1", "pi2", "pi3"};
  world.cluster.warden_silent_ms["pi1"] = 60'000;
  world.pass_until("pi1", PowerState::suspect, all);
  world.cluster.warden_silent_ms.clear();
  world.cluster.pass(1500, all);
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerRecovery, WithoutItANodeWhoseWardenHangsStaysOnAndSaysSo) {
  PowerWorld world(relays(3));
  join_three(world);
  const std::vector<std::string> all{"pi1", "pi2", "pi3"};
  world.cluster.warden_silent_ms["pi1"] = 60'000;
  world.cluster.pass(900'000, all);
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_THAT(world.waits("pi1"), HasSubstr("recovery is not for this node"));
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerRecovery, ANodeWhoseWardenHangsIsCutAlsoWhileItsTasksAreWaitedFor) {
  PowerWorld world(config());
  join_three(world);
  const std::vector<std::string> all{"pi1", "pi2", "pi3"};
  world.run_task("pi1");
  world.off("pi1");
  world.pass_until("pi1", PowerState::draining, all);
  world.cluster.warden_silent_ms["pi1"] = 60'000;
  world.cluster.pass(2'000, all);
  EXPECT_THAT(world.waits("pi1"), HasSubstr("makes no progress"));
  world.pass_until("pi1", PowerState::fencing, all);
  world.pass_until("pi1", PowerState::off, others);
  EXPECT_THAT(world.rail.edges, ElementsAre("off pi1"));
}

TEST_F(PowerRecovery, ANodeWithoutTasksIsShutDownAlthoughItsWardenHangs) {
  PowerWorld world(config());
  join_three(world);
  world.cluster.warden_silent_ms["pi1"] = 60'000;
  world.cluster.pass(2'000, {"pi1", "pi2", "pi3"});
  world.off("pi1");
  world.pass_until("pi1", PowerState::halting, {"pi1", "pi2", "pi3"}, 2'000);
  EXPECT_FALSE(world.cluster.take_controls().empty());
}

TEST_F(PowerRecovery, ARelayThatReadsOnIsAFaultAfterTheLimitAndIsThenLeftAlone) {
  PowerWorld world(config());
  world.rail.stuck.insert(0);
  join_three(world);
  world.pass_until("pi1", PowerState::fencing, others);
  // Several looks before one commit, as when the disk is slow: what is asked for in one is under way in the next.
  const auto look_twice = [&] {
    world.cluster.step([&](Effects& effects) {
      on_tick(world.cluster.state(), effects, world.cluster.now());
      on_tick(world.cluster.state(), effects, world.cluster.now());
    });
  };
  size_t tries = 0;
  for (int i = 0; i < 1000 && world.state("pi1") == PowerState::fencing; ++i) {
    world.cluster.pass(100, others);
    tries += world.rail.take_edges().size();
    if (world.state("pi1") != PowerState::fencing) break;
    look_twice();
    const size_t asked = world.rail.take_edges().size();
    tries += asked;
    EXPECT_TRUE(world.state("pi1") == PowerState::fencing || asked == 0) << "in fault nothing is switched";
  }
  EXPECT_EQ(world.state("pi1"), PowerState::fault);
  EXPECT_THAT(world.node("pi1").record.cause, HasSubstr("reads on"));
  EXPECT_GT(tries, 2U);
  world.cluster.pass(30'000, others);
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

TEST_F(PowerRecovery, AFencedNodeThatComesBackWithItsOldBootIsAFault) {
  PowerWorld world(config());
  join_three(world);
  world.pass_until("pi1", PowerState::starting, others);
  world.join("pi1", 2, "boot-1");
  world.pass_until("pi1", PowerState::fault, {"pi1", "pi2", "pi3"}, 20'000);
  EXPECT_THAT(world.node("pi1").record.cause, HasSubstr("never lost its power"));
}

}  // namespace
}  // namespace bramble::aggregator::test
