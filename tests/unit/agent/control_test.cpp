#include "support/agent_harness.hpp"

namespace bramble::agent::testing {
namespace {

using wire::ControlAction;
using wire::NodeTopic;

TEST(AgentControl, PassesOnAShutdownAndStaysUntilTheMachineStopsIt) {
  AgentHarness h;
  h.make_ready();
  h.control({.action = ControlAction::shutdown, .why = "idle for 120 s"});
  EXPECT_EQ(h.take_halts(), std::vector{ControlAction::shutdown});
  EXPECT_EQ(h.take_log(), std::vector<std::string>{"the aggregator asks this machine to shut down: idle for 120 s"});
  EXPECT_FALSE(h.disconnect);
  h.step([&](Effects& effects) { stop(h.state, effects, h.now); });
  const auto goodbye = h.take<wire::NodeStatus>(NodeTopic::status);
  ASSERT_EQ(goodbye.size(), 1U);
  EXPECT_EQ(goodbye[0].reason, "goodbye");
  EXPECT_TRUE(std::exchange(h.disconnect, false));
}

TEST(AgentControl, PassesOnAReboot) {
  AgentHarness h;
  h.make_ready();
  h.control({.action = ControlAction::reboot});
  EXPECT_EQ(h.take_halts(), std::vector{ControlAction::reboot});
  EXPECT_EQ(h.take_log(), std::vector<std::string>{"the aggregator asks this machine to boot again"});
}

TEST(AgentControl, ObeysWhatIsSaidAgainOnce) {
  AgentHarness h;
  h.make_ready();
  for (int i = 0; i < 12; ++i) {  // every 5 s, as the aggregator does
    h.control();
    h.now.mono = h.now.mono + 5000;
  }
  EXPECT_EQ(h.take_halts().size(), 1U);
  EXPECT_EQ(h.take_log().size(), 1U);
}

TEST(AgentControl, AsksAnewWhenTheMachineHasLetAMinutePass) {
  AgentHarness h;
  h.make_ready();
  h.control();
  h.now.mono = h.now.mono + kHaltAgainMs;
  h.control();
  EXPECT_EQ(h.take_halts().size(), 2U);
  h.take_log();
}

TEST(AgentControl, TakesAnotherWishAtOnce) {
  AgentHarness h;
  h.make_ready();
  h.control({.action = ControlAction::reboot});
  h.control({.action = ControlAction::shutdown});
  EXPECT_EQ(h.take_halts(), (std::vector{ControlAction::reboot, ControlAction::shutdown}));
  h.take_log();
}

struct Refused {
  const char* name;
  wire::Control control;
};

class AgentControlRefusal : public ::testing::TestWithParam<Refused> {};

TEST_P(AgentControlRefusal, LeavesTheMachineAlone) {
  AgentHarness h;
  h.make_ready();
  h.state.saved.term = 3;
  h.control(GetParam().control);
  EXPECT_TRUE(h.halts.empty());
  EXPECT_FALSE(h.state.halt);
  EXPECT_EQ(h.state.counts.fenced, 1U);
  h.take_log();
}

INSTANTIATE_TEST_SUITE_P(All, AgentControlRefusal,
                         ::testing::Values(Refused{"OfAnotherStore", {.store = kOtherStore, .term = 3}},
                                           Refused{"OfALowerTerm", {.term = 2}},
                                           Refused{"OfAnEarlierSession", {.term = 3, .session = 6}},
                                           Refused{"OfASessionNotGranted", {.term = 3, .session = 8}}),
                         [](const auto& each) { return each.param.name; });

TEST(AgentControl, IsObeyedOfAHigherTermInThisSession) {
  AgentHarness h;
  h.make_ready();
  h.control({.term = 9});
  EXPECT_EQ(h.take_halts().size(), 1U);
  EXPECT_EQ(h.state.saved.term, 1U) << "only a welcome raises it";
  h.take_log();
}

TEST(AgentControl, IsRefusedBeforeTheWelcome) {
  AgentHarness h;
  h.connect_broker();
  h.control();  // session 0
  EXPECT_TRUE(h.halts.empty());
  EXPECT_EQ(h.state.counts.fenced, 1U);
}

TEST(AgentControl, IsRefusedAfterTheConnectionThatItsSessionBelongedTo) {
  AgentHarness h;
  h.make_ready();
  h.disconnected();
  h.control({.session = 7});
  h.advance(h.wake_at - h.now.mono);
  h.connect_broker();
  h.control({.session = 7});
  EXPECT_TRUE(h.halts.empty());
  EXPECT_EQ(h.state.counts.fenced, 1U);
}

TEST(AgentControl, IsRefusedWhileTheAgentEnds) {
  AgentHarness h;
  h.make_ready();
  h.step([&](Effects& effects) { stop(h.state, effects, h.now); });
  h.control({.session = 7});
  EXPECT_TRUE(h.halts.empty());
  h.take<wire::NodeStatus>(NodeTopic::status);
  h.disconnect = false;
}

TEST(AgentControl, IsRefusedOfAnotherNodesTopicAndWhenItIsMalformed) {
  AgentHarness h;
  h.make_ready();
  const wire::Control control{.store = kStore, .term = 1, .session = 7};
  h.message(h.state.topics.node("pi02", NodeTopic::control), wire::encode(control));
  h.message(h.state.topics.node("pi01", NodeTopic::control), R"({"do":"explode"})");
  EXPECT_TRUE(h.halts.empty());
  EXPECT_EQ(h.state.counts.malformed, 1U);
  EXPECT_EQ(h.take_log().size(), 1U);
}

TEST(AgentControl, SaysWhyTheMachineDoesNotShutDownAndStaysAsItIs) {
  AgentHarness h;
  h.make_ready();
  h.control();
  h.take_halts();
  h.take_log();
  h.step([&](Effects& effects) { on_halt_failed(h.state, effects, h.now, "there is no directory /run/x"); });
  EXPECT_EQ(h.take_log(), std::vector<std::string>{"this machine does not shut down: there is no directory /run/x"});
  EXPECT_FALSE(h.disconnect);
  EXPECT_NE(h.state.session.id, 0U);
  h.now.mono = h.now.mono + (kHaltFailedMs - 1);
  h.control();  // of the same wish
  EXPECT_TRUE(h.take_halts().empty());
  h.now.mono = h.now.mono + 1;
  h.control();  // a person has mended it, and asks again
  EXPECT_EQ(h.take_halts().size(), 1U);
  h.take_log();
}

}  // namespace
}  // namespace bramble::agent::testing
