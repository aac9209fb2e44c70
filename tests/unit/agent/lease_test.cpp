#include "common/base/lease.hpp"

#include "support/agent_harness.hpp"

namespace bramble::agent::testing {
namespace {

using wire::EventType;
using wire::Outcome;

constexpr int64_t kLeaseMs = 20'000;

wire::TaskSpec leased_spec() {
  wire::TaskSpec spec = true_spec();
  spec.lease_ms = kLeaseMs;
  return spec;
}

class AgentLease : public ::testing::Test {
 protected:
  void echo(MonoTime sent) {
    wire::TasksMessage message;
    message.echo = wire::Echo{1, sent.ms};
    h_.tasks(message);
  }

  // A leased attempt that waits behind two others.
  void fill_and_queue() {
    h_.run({1, 0, 1});
    h_.run({1, 1, 1});
    h_.launch({{2, 0, 1}}, leased_spec());
    h_.take_events();
  }

  AgentHarness h_;
};

TEST_F(AgentLease, CountsFromWhenTheAnsweredBeatWasSentNotFromTheAnswer) {
  h_.make_ready();
  h_.launch({{1, 0, 1}}, leased_spec());
  h_.take_warden<wire::WardenStart>();
  const MonoTime sent = h_.now.mono;
  h_.advance(3000);
  echo(sent);
  const auto leases = h_.take_warden<wire::WardenLease>();
  ASSERT_EQ(leases.size(), 1U);
  EXPECT_EQ(leases[0].heard_ms, sent.ms);
  h_.take_events();
}

TEST_F(AgentLease, AnOldOrImpossibleAnswerChangesNothing) {
  h_.make_ready();
  h_.launch({{1, 0, 1}}, leased_spec());
  h_.take_warden<wire::WardenStart>();
  echo(h_.now.mono);
  EXPECT_EQ(h_.take_warden<wire::WardenLease>().size(), 1U);
  echo(h_.now.mono);
  echo({h_.now.mono.ms - 500});
  echo(h_.now.mono + 60'000);
  EXPECT_TRUE(h_.take_warden<wire::WardenLease>().empty());
  h_.take_events();
}

TEST_F(AgentLease, IsNotPassedOnWhileNothingNeedsIt) {
  h_.make_ready();
  h_.run({1, 0, 1});
  echo(h_.now.mono);
  EXPECT_TRUE(h_.take_warden<wire::WardenLease>().empty());
}

TEST_F(AgentLease, BeforeTheFirstAnswerItCountsFromTheBirthThatTheAggregatorHeard) {
  h_.make_ready();
  const MonoTime connected = h_.state.session.connected;
  h_.advance(1000);
  h_.launch({{1, 0, 1}}, leased_spec());
  const auto starts = h_.take_warden<wire::WardenStart>();
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts[0].heard_ms, connected.ms);
  h_.take_events();
}

TEST_F(AgentLease, WhatHasNotBegunAtItsEndNeverBegins) {
  h_.make_ready();
  fill_and_queue();
  h_.advance(kLeaseMs);
  const auto events = h_.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].id, (AttemptKey{2, 0, 1}));
  ASSERT_EQ(events[0].type, EventType::finished);
  EXPECT_EQ(events[0].finished->outcome, Outcome::lease_ended);
  h_.report(h_.exited({1, 0, 1}));
  EXPECT_TRUE(h_.take_warden<wire::WardenStart>().empty());
  h_.take_events();
}

// The agent hung past the lease's end, and wakes up with an answer and a free slot waiting for it.
TEST_F(AgentLease, AnAnswerThatComesAfterItsEndDoesNotReviveIt) {
  h_.make_ready();
  fill_and_queue();
  h_.now.mono = h_.now.mono + 2 * kLeaseMs;
  echo({h_.now.mono.ms - 10});
  h_.report(h_.exited({1, 0, 1}));
  EXPECT_TRUE(h_.take_warden<wire::WardenStart>().empty());
  h_.take_warden<wire::WardenLease>();
  h_.take_events();
}

TEST_F(AgentLease, ARunningAttemptIsToldToEndTooShouldTheWardenHaveHung) {
  h_.make_ready();
  h_.run({1, 0, 1}, leased_spec());
  h_.advance(kLeaseMs);
  const auto kills = h_.take_warden<wire::WardenKill>();
  ASSERT_EQ(kills.size(), 1U);
  EXPECT_EQ(kills[0].outcome, Outcome::lease_ended);
  h_.advance(1000);
  EXPECT_TRUE(h_.take_warden<wire::WardenKill>().empty()) << "said once";
}

TEST_F(AgentLease, ALaunchAfterALongAbsenceHasALeaseOfItsOwn) {
  h_.make_ready();
  echo(h_.now.mono);
  h_.disconnected();
  h_.take_log();
  h_.advance(3 * kLeaseMs);
  EXPECT_TRUE(h_.take_connect());
  h_.step([&](Effects& effects) { on_connected(h_.state, effects, h_.now); });
  h_.tasks(h_.welcome_message(8));
  h_.launch({{3, 0, 1}}, leased_spec());
  EXPECT_EQ(h_.take_warden<wire::WardenStart>().size(), 1U);
  h_.take_events();
  h_.take<wire::NodeStatus>(wire::NodeTopic::status);
  h_.take<wire::Beat>(wire::NodeTopic::beat);
  h_.take<wire::Inventory>(wire::NodeTopic::inventory);
  h_.take_log();
}

TEST_F(AgentLease, ARestartedAgentProlongsWhatItFinds) {
  h_.state.saved.store = kStore;
  h_.state.saved.term = 1;
  wire::WardenState list;
  list.running = {h_.started({1, 0, 1})};
  list.running[0].lease_ms = kLeaseMs;
  h_.connect_warden(list);
  h_.connect_broker();
  h_.tasks(h_.welcome_message());
  h_.take<wire::Inventory>(wire::NodeTopic::inventory);
  echo(h_.now.mono);
  EXPECT_EQ(h_.take_warden<wire::WardenLease>().size(), 1U);
  h_.take_events();
}

TEST(LeaseArithmetic, TheNodesEndComesFirstWithinTheBoundOnDrift) {
  for (const int64_t lease_ms : {1, 99, 5'000, 20'000, 3'600'000}) {
    // The beat takes no time at all, and the node's clock runs slow by the whole bound.
    const MonoTime sent{1'000'000};
    const int64_t node_end_in_our_time = lease_ms + lease_ms * kLeaseDriftPercent / 100;
    EXPECT_GE(lease_proof(sent, lease_ms) - sent, node_end_in_our_time + kLeaseKillGraceMs);
  }
}

TEST(LeaseArithmetic, TheFloorLetsAHealthyNodeComeBackAfterARestartOfTheBroker) {
  EXPECT_EQ(lease_floor_ms(1000, 5000, 5000), 10'250);
  EXPECT_EQ(lease_floor_ms(1000, 5000, 60'000), 61'000);
  EXPECT_LT(lease_floor_ms(1000, 5000, 5000), kDefaultLeaseMs);
}

}  // namespace
}  // namespace bramble::agent::testing
