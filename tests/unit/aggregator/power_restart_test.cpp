// The aggregator is killed in each power state: what it finds is taken as it stands, and nothing is switched before it
// was observed and a rule asks for it.
#include "power_test.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PowerRestart : public PowerTest {
 protected:
  static Config config() {
    Config config = relays(1);
    config.power.recovery = true;
    return config;
  }

  // The life before: pi1 is brought to a state, and what it stored is kept.
  LoadedState life(const std::function<void(PowerWorld&)>& bring, const Config& config,
                   const std::function<void(Rail&)>& prepare = {}) {
    PowerWorld world(config, {}, prepare);
    bring(world);
    world.cluster.take_controls();
    before_ = world.state("pi1");
    return world.stored();
  }

  // The life after, with its line as it is found.
  std::unique_ptr<PowerWorld> restart(LoadedState loaded, const Config& config, std::optional<bool> level) {
    auto world = std::make_unique<PowerWorld>(config, std::move(loaded), [&](Rail& rail) {
      if (level) {
        rail.set(0, *level);
      } else {
        rail.unreadable.insert(0);
      }
    });
    EXPECT_THAT(world->rail.edges, IsEmpty());
    return world;
  }

  static void to_halting(PowerWorld& world) {
    world.join("pi1");
    world.off("pi1");
    world.pass_until("pi1", PowerState::halting, {"pi1"});
  }
  static void to_cutting(PowerWorld& world) {
    world.join("pi1");
    world.cluster.pass(10'000);
    world.rail.mute.insert(0);
    world.off("pi1", PowerHow::force);
    world.pass_until("pi1", PowerState::cutting);
    world.cluster.pass(200);
  }
  static void to_starting(PowerWorld& world) {
    world.rail.mute.insert(0);
    world.on("pi1");
    world.pass_until("pi1", PowerState::starting);
  }
  // Two others are well: recovery would be allowed.
  static void to_fencing(PowerWorld& world) {
    for (const char* name : {"pi1", "pi2", "pi3"}) world.join(name);
    world.pass_until("pi1", PowerState::suspect, {"pi2", "pi3"});
    world.rail.mute.insert(0);
    world.pass_until("pi1", PowerState::fencing, {"pi2", "pi3"});
    world.cluster.pass(200, {"pi2", "pi3"});
  }

  PowerState before_ = PowerState::unknown;
};

TEST_F(PowerRestart, InOnItIsUnknownUntilItBeats) {
  auto loaded = life([](PowerWorld& world) { world.join("pi1"); }, config());
  ASSERT_EQ(before_, PowerState::on);
  auto world = restart(loaded, config(), true);
  EXPECT_EQ(world->state("pi1"), PowerState::unknown);
  world->join("pi1", 2);
  EXPECT_EQ(world->state("pi1"), PowerState::on);
  EXPECT_THAT(world->rail.edges, IsEmpty());
}

TEST_F(PowerRestart, InOnItsSilenceCountsAnew) {
  auto loaded = life([](PowerWorld& world) { world.join("pi1"); }, config());
  auto world = restart(loaded, config(), true);
  world->cluster.pass(170'000);
  EXPECT_EQ(world->state("pi1"), PowerState::unknown);
  world->cluster.pass(12'000);
  EXPECT_EQ(world->state("pi1"), PowerState::suspect) << "it was on when it was last heard";
}

TEST_F(PowerRestart, ANodeThatWasNeverOnIsNotSuspected) {
  auto world = restart({}, config(), true);
  world->cluster.pass(900'000);
  EXPECT_EQ(world->state("pi1"), PowerState::unknown);
  EXPECT_THAT(world->rail.edges, IsEmpty());
}

TEST_F(PowerRestart, InDrainingItIsDrainedAgainWhenItIsHeard) {
  const auto bring = [](PowerWorld& world) {
    world.join("pi1");
    world.run_task("pi1");
    world.off("pi1");
  };
  auto loaded = life(bring, config());
  ASSERT_EQ(before_, PowerState::draining);
  auto world = restart(loaded, config(), true);
  world->cluster.pass(60'000);
  EXPECT_THAT(world->rail.edges, IsEmpty()) << "it is not heard: it cannot be drained";
  world->join("pi1", 2);
  world->pass_until("pi1", PowerState::halting, {"pi1"});
  world->cluster.take_controls();
}

TEST_F(PowerRestart, InHaltingTheHaltIsObservedAnew) {
  auto loaded = life(to_halting, config());
  ASSERT_EQ(before_, PowerState::halting);
  auto world = restart(loaded, config(), true);
  EXPECT_EQ(world->state("pi1"), PowerState::halting);
  world->cluster.pass(80'000);
  EXPECT_THAT(world->rail.edges, IsEmpty());
  world->cluster.pass(15'000);
  EXPECT_THAT(world->rail.take_edges(), ElementsAre("off pi1"));
}

TEST_F(PowerRestart, InHaltingANodeThatHasBootedAnewMeanwhileIsNotCut) {
  auto world = restart(life(to_halting, config()), config(), true);
  world->join("pi1", 2, "boot-2");
  EXPECT_NE(world->state("pi1"), PowerState::cutting);
  world->cluster.pass(60'000, {"pi1"});
  EXPECT_THAT(world->rail.edges, IsEmpty());
  world->cluster.take_controls();
}

TEST_F(PowerRestart, InCuttingALineThatReadsOffIsOnlyHeld) {
  auto loaded = life(to_cutting, config());
  ASSERT_EQ(before_, PowerState::cutting);
  auto world = restart(loaded, config(), false);
  world->pass_until("pi1", PowerState::off);
  EXPECT_THAT(world->rail.edges, IsEmpty());
}

TEST_F(PowerRestart, InCuttingALineThatReadsOnIsObservedAgainBeforeItIsCut) {
  auto world = restart(life(to_cutting, config()), config(), true);
  EXPECT_EQ(world->state("pi1"), PowerState::halting);
  world->cluster.pass(80'000);
  EXPECT_THAT(world->rail.edges, IsEmpty());
  world->cluster.pass(15'000);
  EXPECT_THAT(world->rail.take_edges(), ElementsAre("off pi1"));
}

TEST_F(PowerRestart, InOffItStaysOff) {
  auto loaded =
      life([](PowerWorld& world) { world.cluster.pass(1000); }, config(), [](Rail& rail) { rail.set(0, false); });
  ASSERT_EQ(before_, PowerState::off);
  for (const std::optional<bool> level : {std::optional(false), std::optional<bool>()}) {
    auto world = restart(loaded, config(), level);
    world->cluster.pass(600'000);
    EXPECT_EQ(world->state("pi1"), PowerState::off) << "what is stored does where the line cannot be read";
    EXPECT_THAT(world->rail.edges, IsEmpty());
  }
}

TEST_F(PowerRestart, InOffALineThatReadsOnWasSwitchedByHand) {
  auto loaded =
      life([](PowerWorld& world) { world.cluster.pass(1000); }, config(), [](Rail& rail) { rail.set(0, false); });
  auto world = restart(loaded, config(), true);
  EXPECT_EQ(world->state("pi1"), PowerState::unknown);
  world->cluster.pass(600'000);
  EXPECT_THAT(world->rail.edges, IsEmpty());
}

TEST_F(PowerRestart, InStartingWithPowerItsBootIsAwaited) {
  auto loaded = life(to_starting, config(), [](Rail& rail) { rail.set(0, false); });
  ASSERT_EQ(before_, PowerState::starting);
  auto world = restart(loaded, config(), true);
  world->cluster.pass(60'000);
  EXPECT_THAT(world->rail.edges, IsEmpty());
  world->join("pi1", 2, "boot-2");
  EXPECT_EQ(world->state("pi1"), PowerState::on);
  EXPECT_EQ(world->node("pi1").record.boot_ms, 0) << "a boot that was not seen from its beginning teaches nothing";
}

TEST_F(PowerRestart, InStartingWithoutPowerItIsStartedByTheRule) {
  auto loaded = life(to_starting, config(), [](Rail& rail) { rail.set(0, false); });
  auto world = restart(loaded, config(), false);
  EXPECT_EQ(world->state("pi1"), PowerState::cool_down);
  world->pass_until("pi1", PowerState::starting);
  EXPECT_THAT(world->rail.take_edges(), ElementsAre("on pi1"));
}

TEST_F(PowerRestart, InAPressItIsNotPressedAgain) {
  const Config button = PowerWorld::with_lines({line_of("pi1", LineRole::button)});
  const auto bring = [](PowerWorld& world) {
    world.join("pi1");
    world.off("pi1");
    world.pass_until("pi1", PowerState::halting, {"pi1"});
    world.say_goodbye("pi1");
    world.pass_until("pi1", PowerState::off);
    to_starting(world);
  };
  auto loaded = life(bring, button);
  ASSERT_EQ(before_, PowerState::starting);
  ASSERT_EQ(loaded.power.size(), 1U);
  ASSERT_TRUE(loaded.power[0].press_open) << "it was written down before it began";
  auto world = restart(loaded, button, false);
  world->cluster.pass(110'000);
  EXPECT_THAT(world->rail.edges, IsEmpty()) << "it may have been pressed: a beat, or the limit, will tell";
  EXPECT_FALSE(world->node("pi1").record.press_open);
  EXPECT_THAT(world->audit(), Contains(HasSubstr("press not repeated")));
  world->join("pi1", 2, "boot-2");
  EXPECT_EQ(world->state("pi1"), PowerState::on);
}

TEST_F(PowerRestart, InSuspectItIsObservedForTheWholeRecoveryTimeAgain) {
  const auto bring = [](PowerWorld& world) {
    world.join("pi1");
    world.pass_until("pi1", PowerState::suspect);
  };
  auto loaded = life(bring, config());
  auto world = restart(loaded, config(), true);
  EXPECT_EQ(world->state("pi1"), PowerState::unknown);
  world->cluster.pass(150'000);
  EXPECT_EQ(world->state("pi1"), PowerState::unknown);
  EXPECT_THAT(world->rail.edges, IsEmpty());
}

TEST_F(PowerRestart, InFencingALineThatReadsOnIsObservedAnewAndOneThatReadsOffIsHeld) {
  auto loaded = life(to_fencing, config());
  ASSERT_EQ(before_, PowerState::fencing);
  auto found_on = restart(loaded, config(), true);
  EXPECT_EQ(found_on->state("pi1"), PowerState::unknown);
  found_on->cluster.pass(170'000);
  EXPECT_THAT(found_on->rail.edges, IsEmpty());
  auto found_off = restart(loaded, config(), false);
  EXPECT_EQ(found_off->state("pi1"), PowerState::fencing);
  found_off->pass_until("pi1", PowerState::cool_down);
  EXPECT_THAT(found_off->rail.edges, IsEmpty());
  EXPECT_TRUE(found_off->node("pi1").record.off_proved);
  found_off->pass_until("pi1", PowerState::starting);
  EXPECT_THAT(found_off->rail.take_edges(), ElementsAre("on pi1"));
}

TEST_F(PowerRestart, InCoolDownItGoesOn) {
  const auto bring = [](PowerWorld& world) {
    to_cutting(world);
    world.rail.mute.clear();
    world.cycle("pi1");
  };
  auto loaded = life(bring, config());
  for (auto& record : loaded.power) record.state = PowerState::cool_down;
  auto world = restart(loaded, config(), false);
  EXPECT_EQ(world->state("pi1"), PowerState::cool_down);
  world->pass_until("pi1", PowerState::starting);
  EXPECT_THAT(world->rail.take_edges(), ElementsAre("on pi1"));
}

TEST_F(PowerRestart, InFaultItStaysThere) {
  const auto bring = [](PowerWorld& world) {
    to_cutting(world);
    world.pass_until("pi1", PowerState::fault);
  };
  auto world = restart(life(bring, config()), config(), true);
  EXPECT_EQ(world->state("pi1"), PowerState::fault);
  world->cluster.pass(600'000);
  EXPECT_THAT(world->rail.edges, IsEmpty());
}

TEST_F(PowerRestart, InStoppedItIsLeftAlone) {
  const auto bring = [](PowerWorld& world) {
    world.join("pi1");
    world.say_goodbye("pi1");
  };
  auto world = restart(life(bring, config()), config(), true);
  world->cluster.pass(900'000);
  EXPECT_EQ(world->state("pi1"), PowerState::stopped);
  EXPECT_THAT(world->rail.edges, IsEmpty());
}

// Found by the simulator: the button was pressed at once, though the node might have been up.
TEST_F(PowerRestart, InTheCutOfANodeThatDidNotStartItsBootIsAwaited) {
  const Config button = PowerWorld::with_lines({line_of("pi1", LineRole::button)});
  LoadedState loaded;
  PowerRecord record;
  record.node = "pi1";
  record.state = PowerState::cutting;
  record.wish = PowerWish::on;
  record.starts = 1;
  loaded.power = {record};
  auto world = restart(loaded, button, false);
  EXPECT_EQ(world->state("pi1"), PowerState::starting);
  world->cluster.pass(110'000);
  EXPECT_THAT(world->rail.edges, IsEmpty());
}

TEST_F(PowerRestart, NothingIsSwitchedBeforeItsLinesWereRead) {
  LoadedState loaded;
  PowerRecord record;
  record.node = "pi1";
  record.state = PowerState::off;
  record.wish = PowerWish::on;
  record.by_person = true;
  record.who = "ada";
  loaded.power = {record};
  PowerWorld world(config(), loaded, [](Rail& rail) { rail.mute.insert(0); });
  world.cluster.pass(8000);
  EXPECT_THAT(world.rail.edges, IsEmpty());
  EXPECT_EQ(world.ask(PowerStatusRequest{})["nodes"][0]["waits"], "its lines are being read");
  world.rail.mute.clear();
  world.rail.set(0, false);
  world.pass_until("pi1", PowerState::starting);
  EXPECT_THAT(world.rail.take_edges(), ElementsAre("on pi1"));
}

TEST_F(PowerRestart, ALineThatIsNeverReadDoesNotHoldItsNodeForEver) {
  auto loaded = life([](PowerWorld& world) { world.join("pi1"); }, config());
  PowerWorld world(config(), loaded, [](Rail& rail) { rail.errors[0] = "chip pinctrl-rp1 is gone"; });
  world.cluster.pass(5000);
  EXPECT_FALSE(world.node("pi1").adopting);
  world.join("pi1", 2);
  EXPECT_EQ(world.state("pi1"), PowerState::on);
  EXPECT_THAT(world.cluster.take_warnings(), Contains("line relay-pi1 of node pi1: chip pinctrl-rp1 is gone"));
}

TEST_F(PowerRestart, ANodeThatWasMovedToAnotherLineIsSaidAndTakenAsItStands) {
  auto loaded = life([](PowerWorld& world) { world.join("pi1"); }, config());
  Config moved = config();
  moved.power.lines[0].name = "relay 9";
  auto world = restart(loaded, moved, true);
  EXPECT_THAT(world->cluster.take_warnings(), Contains(HasSubstr("were relay-pi1 and are now relay 9")));
  world->join("pi1", 2);
  EXPECT_EQ(world->state("pi1"), PowerState::on);
  EXPECT_THAT(world->rail.edges, IsEmpty());
}

TEST_F(PowerRestart, AnOldCopyOfTheDatabaseSwitchesNothing) {
  LoadedState loaded;
  PowerRecord record;
  record.node = "pi1";
  record.state = PowerState::off;
  record.wish = PowerWish::on;
  loaded.power = {record};
  PowerWorld world(config(), loaded, [](Rail& rail) { rail.mute.insert(0); });
  auto status = Harness::identity("pi2");
  status.store = kStore;
  status.term = 99;
  world.cluster.say("pi2", wire::NodeTopic::status, status);
  ASSERT_FALSE(world.cluster.state().gone_back.empty());
  world.rail.mute.clear();
  world.rail.set(0, false);
  world.cluster.pass(60'000);
  EXPECT_THAT(world.rail.edges, IsEmpty());
}

}  // namespace
}  // namespace bramble::aggregator::test
