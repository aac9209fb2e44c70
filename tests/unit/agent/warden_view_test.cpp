#include "support/agent_harness.hpp"

namespace bramble::agent::testing {
namespace {

using wire::EventType;
using wire::Outcome;

void lose_warden(AgentHarness& h) {
  h.step([&](Effects& effects) { on_warden_lost(h.state, effects, h.now, "connection refused"); });
}

TEST(AgentWarden, FindsWhatAnEarlierRunOfTheAgentStarted) {
  AgentHarness h;
  h.state.saved.store = kStore;
  wire::WardenState list;
  auto running = h.started({1, 0, 1});
  running.cpus = 2;
  list.running = {running};
  list.exited = {h.exited({1, 1, 1})};
  h.connect_warden(list);
  h.connect_broker();
  h.tasks(h.welcome_message());
  const auto pages = h.take<wire::Inventory>(wire::NodeTopic::inventory);
  ASSERT_EQ(pages.size(), 1U);
  EXPECT_EQ(pages[0].running, std::vector<AttemptKey>({{1, 0, 1}}));
  EXPECT_EQ(pages[0].finished, std::vector<AttemptKey>({{1, 1, 1}}));
  EXPECT_EQ(h.take_event_types(), (std::vector{EventType::started, EventType::finished}));
  h.launch({{2, 0, 1}});
  EXPECT_EQ(h.take_event_types(), std::vector{EventType::taken});  // both slots are taken by the one found
  h.report(h.exited({1, 0, 1}));
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 1U);
  EXPECT_EQ(h.take_event_types(), std::vector{EventType::finished});
}

TEST(AgentWarden, ReadsItsListInPages) {
  AgentHarness h;
  h.state.saved.store = kStore;
  wire::WardenState page;
  page.running = {h.started({1, 0, 1})};
  page.more = true;
  h.connect_warden(page);
  EXPECT_FALSE(h.state.warden.synced);
  page.running = {h.started({1, 1, 1})};
  page.more = false;
  page.slots = 2;
  h.report(page);
  EXPECT_TRUE(h.state.warden.synced);
  EXPECT_EQ(h.state.tasks.used.attempts, 2U);
}

TEST(AgentWarden, AsksForTheListAgainOnceItHasJoinedAStore) {
  AgentHarness h;
  wire::WardenState list;
  list.running = {h.started({1, 0, 1})};
  h.connect_warden(list);
  EXPECT_FALSE(h.state.warden.synced);
  h.connect_broker();
  h.tasks(h.welcome_message());
  EXPECT_EQ(h.take_warden<wire::WardenHello>().size(), 1U);
  h.take_log();
  list.slots = 2;
  h.report(list);
  EXPECT_EQ(h.take<wire::Inventory>(wire::NodeTopic::inventory).size(), 1U);
  EXPECT_EQ(h.take_event_types(), std::vector{EventType::started});
}

TEST(AgentWarden, EndsWhatBelongsToAStoreThatTheAgentHasLeft) {
  AgentHarness h;
  h.state.saved.store = kOtherStore;
  wire::WardenState list;
  list.running = {h.started({1, 0, 1})};
  list.exited = {h.exited({1, 1, 1})};
  h.connect_warden(list);
  EXPECT_EQ(h.take_warden<wire::WardenKill>().size(), 1U);
  EXPECT_EQ(h.take_warden<wire::WardenForget>().size(), 1U);
  EXPECT_TRUE(h.state.tasks.held.empty());
  EXPECT_EQ(h.take_log().size(), 1U);
}

TEST(AgentWarden, StartsNothingWhileItIsAwayAndSaysSoOnce) {
  AgentHarness h;
  h.make_ready();
  lose_warden(h);
  lose_warden(h);
  EXPECT_EQ(h.take_log().size(), 1U);
  h.launch({{1, 0, 1}});
  EXPECT_EQ(h.take_event_types(), std::vector{EventType::taken});
  h.connect_warden();
  EXPECT_EQ(h.take_log(), std::vector<std::string>{"the warden is back"});
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 1U);
}

TEST(AgentWarden, StartsAgainWhatTheWardenNeverGot) {
  AgentHarness h;
  h.make_ready();
  h.launch({{1, 0, 1}, {1, 1, 1}, {1, 2, 1}});
  h.take_warden<wire::WardenStart>();
  h.report(h.started({1, 0, 1}));
  lose_warden(h);
  wire::WardenState list;
  list.running = {h.started({1, 0, 1})};
  h.connect_warden(list);
  const auto starts = h.take_warden<wire::WardenStart>();
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts[0].task.id, (AttemptKey{1, 1, 1}));  // before 1/2: its place in the queue was kept
  h.take_events();
  h.take_log();
}

TEST(AgentWarden, ReportsARunningAttemptThatItDoesNotKnowAnyMoreAsLost) {
  AgentHarness h;
  h.make_ready();
  h.run({1, 0, 1});
  lose_warden(h);
  h.connect_warden();
  const auto events = h.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].finished->outcome, Outcome::warden_lost);
  h.take_log();
}

TEST(AgentWarden, TakesOverWhatEndedWhileItWasNotHeard) {
  AgentHarness h;
  h.make_ready();
  h.run({1, 0, 1});
  h.launch({{1, 1, 1}});
  h.take_warden<wire::WardenStart>();
  h.take_events();
  lose_warden(h);
  wire::WardenState list;
  list.exited = {h.exited({1, 0, 1}), h.exited({1, 1, 1})};
  list.exited[0].result.outcome = Outcome::warden_lost;
  h.connect_warden(list);
  const auto events = h.take_events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].finished->outcome, Outcome::warden_lost);
  EXPECT_EQ(events[1].finished->outcome, Outcome::exited);
  h.take_log();
}

TEST(AgentWarden, ForgetsAgainWhatItDidNotHearToForget) {
  AgentHarness h;
  h.make_ready();
  h.run({1, 0, 1});
  h.report(h.exited({1, 0, 1}));
  h.take_events();
  lose_warden(h);
  wire::TasksMessage done;
  done.done = {{1, 0, 1}};
  h.tasks(done);
  wire::WardenState list;
  list.exited = {h.exited({1, 0, 1})};
  h.connect_warden(list);
  EXPECT_EQ(h.take_warden<wire::WardenForget>().size(), 1U);
  EXPECT_TRUE(h.state.tasks.held.empty());
  h.take_log();
}

TEST(AgentWarden, IsToldToKillAgainWhenTheKillMayHaveBeenLost) {
  AgentHarness h;
  h.make_ready();
  h.run({1, 0, 1});
  lose_warden(h);
  wire::TasksMessage cancel;
  cancel.cancel = {{1, 0, 1}};
  h.tasks(cancel);
  EXPECT_TRUE(h.take_warden<wire::WardenKill>().empty());
  wire::WardenState list;
  list.running = {h.started({1, 0, 1})};
  h.connect_warden(list);
  EXPECT_EQ(h.take_warden<wire::WardenKill>().size(), 1U);
  h.take_log();
}

TEST(AgentWarden, EndsACancelledAttemptWhoseStartItNeverGot) {
  AgentHarness h;
  h.make_ready();
  h.launch({{1, 0, 1}});
  h.take_warden<wire::WardenStart>();
  h.take_events();
  lose_warden(h);
  wire::TasksMessage cancel;
  cancel.cancel = {{1, 0, 1}};
  h.tasks(cancel);
  h.connect_warden();
  const auto events = h.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].finished->outcome, Outcome::cancelled);
  EXPECT_TRUE(h.take_warden<wire::WardenStart>().empty());
  h.take_log();
}

TEST(AgentWarden, IsAskedAgainAfterAPauseWhenItHasNoRoom) {
  AgentHarness h;
  h.make_ready();
  h.launch({{1, 0, 1}, {1, 1, 1}});
  h.take_warden<wire::WardenStart>();
  h.take_events();
  h.report(wire::WardenRefused{{kStore, {1, 0, 1}}, "no free slot"});
  EXPECT_TRUE(h.take_warden<wire::WardenStart>().empty());
  h.advance(200);
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 1U);
  h.report(wire::WardenRefused{{kStore, {1, 0, 1}}, "no free slot"});
  h.report(h.exited({1, 1, 1}));  // an exit: at once
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 1U);
  h.take_events();
}

TEST(AgentWarden, ThatRefusesForEverEndsTheAttempt) {
  AgentHarness h;
  h.make_ready();
  h.launch({{1, 0, 1}});
  h.take_events();
  for (uint32_t i = 0; i <= kMaxWardenRefusals; ++i) {
    ASSERT_EQ(h.take_warden<wire::WardenStart>().size(), 1U) << i;
    h.report(wire::WardenRefused{{kStore, {1, 0, 1}}, "no"});
    h.advance(200);
  }
  const auto events = h.take_events();
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].finished->outcome, Outcome::start_failed);
  EXPECT_EQ(events[0].finished->text, "the warden refused to start it: no");
}

TEST(AgentWarden, WithFewerSlotsIsNeverGivenMore) {
  AgentHarness h;
  h.state.saved.store = kStore;
  h.state.saved.term = 1;
  wire::WardenState list;
  list.slots = 1;
  list.note = "no memory cgroups";
  h.connect_warden(list);
  EXPECT_EQ(h.take_log().size(), 2U);
  h.connect_broker();
  h.tasks(h.welcome_message());
  h.take<wire::Inventory>(wire::NodeTopic::inventory);
  h.launch({{1, 0, 1}, {1, 1, 1}});
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 1U);
  h.take_events();
}

TEST(AgentWarden, WhatItCanEnforceIsToldWhenItBecomesKnownAndWhenItChanges) {
  AgentHarness h;
  h.connect_broker();
  wire::WardenState list;
  list.containment.memory = wire::Enforcement::polled;
  h.connect_warden(list);
  const auto births = h.take<wire::NodeStatus>(wire::NodeTopic::status);
  ASSERT_EQ(births.size(), 1U);
  EXPECT_EQ(births[0].containment, list.containment);
  h.connect_warden(list);  // started again
  EXPECT_TRUE(h.take<wire::NodeStatus>(wire::NodeTopic::status).empty());
  list.containment.sandbox = true;
  h.connect_warden(list);
  const auto status = h.take<wire::NodeStatus>(wire::NodeTopic::status).at(0);
  EXPECT_TRUE(status.containment.sandbox);
  EXPECT_GT(status.revision, births[0].revision);
  h.state.session.next_beat = h.now.mono;
  h.tick();
  EXPECT_EQ(h.take<wire::Beat>(wire::NodeTopic::beat).at(0).revision, status.revision)
      << "so that the aggregator can tell that it has not heard of it";
}

TEST(AgentWarden, OfAnotherProtocolIsNotUsed) {
  AgentHarness h;
  h.state.saved.store = kStore;
  wire::WardenState list;
  list.protocol = 2;
  h.connect_warden(list);
  EXPECT_FALSE(h.state.warden.synced);
  EXPECT_EQ(h.take_log().size(), 1U);
}

// What the beats of so many seconds tell of the warden; the aggregator answers each.
std::vector<int64_t> told_silences(AgentHarness& h, int seconds) {
  std::vector<int64_t> told;
  for (int i = 0; i < seconds; ++i) {
    h.advance(1000);
    for (const wire::Beat& beat : h.take<wire::Beat>(wire::NodeTopic::beat)) {
      told.push_back(beat.warden_silent_ms);
      wire::TasksMessage answer;
      answer.echo = wire::Echo{beat.number, beat.sent_ms};
      h.tasks(answer);
    }
  }
  return told;
}

Config that_beats() {
  Config config = test_config();
  config.beat_ms = 1000;
  return config;
}

TEST(AgentWarden, BeatsTellForHowLongItHasNotAnswered) {
  AgentHarness h(that_beats());
  h.make_ready();
  for (const int64_t silent_ms : told_silences(h, 30)) EXPECT_EQ(silent_ms, 0);
  h.warden_answers = false;
  const std::vector<int64_t> told = told_silences(h, 30);
  ASSERT_FALSE(told.empty());
  EXPECT_GE(told.back(), 15'000) << "it was asked 10 s after the last time";
  EXPECT_EQ(told.front(), 0) << "and is waited for a while";
  h.report(wire::WardenPong{});
  for (const int64_t silent_ms : told_silences(h, 2)) EXPECT_EQ(silent_ms, 0);
}

TEST(AgentWarden, OneThatIsNotConnectedIsNotTakenForOneThatHangs) {
  AgentHarness h(that_beats());
  h.make_ready();
  h.warden_answers = false;
  EXPECT_GT(told_silences(h, 20).back(), 0);
  lose_warden(h);
  EXPECT_EQ(h.take_log().size(), 1U);
  const std::vector<int64_t> told = told_silences(h, 30);
  ASSERT_FALSE(told.empty());
  for (const int64_t silent_ms : told) EXPECT_EQ(silent_ms, 0);
}

}  // namespace
}  // namespace bramble::agent::testing
