#include "support/agent_harness.hpp"

namespace bramble::agent::testing {
namespace {

using wire::EventType;

TEST(AgentEvents, RepeatsStartedUntilAcknowledged) {
  AgentHarness h;
  h.make_ready();
  h.launch({{1, 0, 1}});
  h.take_warden<wire::WardenStart>();
  h.take_events();
  h.report(h.started({1, 0, 1}));
  const auto first = h.take_events();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_GT(first[0].number, 0U);
  h.advance(1999);
  EXPECT_TRUE(h.take_events().empty());
  EXPECT_EQ(h.wake_at - h.now.mono, 1);
  h.advance(1);
  EXPECT_EQ(h.take_events(), first);
  h.acknowledge(first[0].number);
  h.advance(60'000);
}

TEST(AgentEvents, RepeatsFinishedUntilDoneWhateverIsAcknowledged) {
  AgentHarness h;
  h.make_ready();
  h.run({1, 0, 1});
  h.report(h.exited({1, 0, 1}));
  auto finished = h.take_events();
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].number, 0U);
  for (uint64_t number = 1; number < 10; ++number) h.acknowledge(number);
  for (int i = 0; i < 3; ++i) {
    h.advance(2000);
    EXPECT_EQ(h.take_events(), finished);
  }
  wire::TasksMessage done;
  done.done = {{1, 0, 1}};
  h.tasks(done);
  h.take_warden<wire::WardenForget>();
  h.advance(60'000);
}

TEST(AgentEvents, DropsAStartedThatAFinishedReplaces) {
  AgentHarness h;
  h.make_ready();
  h.launch({{1, 0, 1}});
  h.take_warden<wire::WardenStart>();
  h.take_events();
  h.step([&](Effects& effects) {
    on_warden_report(h.state, effects, h.now, h.started({1, 0, 1}));
    on_warden_report(h.state, effects, h.now, h.exited({1, 0, 1}));
  });
  EXPECT_EQ(h.take_event_types(), std::vector{EventType::finished});
}

TEST(AgentEvents, PacksOneStepIntoOneMessage) {
  AgentHarness h;
  h.make_ready();
  std::vector<AttemptKey> ids;
  for (uint32_t task = 0; task < 200; ++task) ids.push_back({1, task, 1});
  h.launch(ids);
  h.take_warden<wire::WardenStart>();
  const auto messages = h.take_event_messages();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].events.size(), 200U);
  EXPECT_EQ(messages[0].store, kStore);
}

TEST(AgentEvents, GathersABurstButNeverDelaysTheFirst) {
  AgentHarness h;
  h.make_ready();
  h.launch({{1, 0, 1}});
  EXPECT_EQ(h.publishes.size(), 1U);  // at once
  h.report(h.exited({1, 0, 1}));
  h.launch({{1, 1, 1}});
  h.report(h.exited({1, 1, 1}));
  EXPECT_EQ(h.publishes.size(), 1U);
  EXPECT_EQ(h.wake_at - h.now.mono, kGatherMs);
  h.advance(kGatherMs);
  EXPECT_EQ(h.publishes.size(), 2U);
  EXPECT_EQ(h.take_events().size(), 4U);
  h.take_warden<wire::WardenStart>();
  h.advance(kGatherMs);
  h.launch({{1, 2, 1}});
  EXPECT_EQ(h.publishes.size(), 1U);  // quiet for long enough
  h.take_events();
  h.take_warden<wire::WardenStart>();
}

TEST(AgentEvents, SplitsWhatIsTooMuchForOneMessage) {
  Config config = test_config();
  config.slots = 30;
  AgentHarness h(config);
  h.make_ready();
  std::vector<AttemptKey> ids;
  for (uint32_t task = 0; task < 30; ++task) {
    ids.push_back({1, task, 1});
    h.files[{ids.back(), wire::Stream::stdout_}] = std::string(wire::kMaxInlineOutputBytes, 'x');
  }
  h.launch(ids);
  h.take_warden<wire::WardenStart>();
  h.take_events();
  h.step([&](Effects& effects) {
    for (const AttemptKey& id : ids) {
      on_warden_report(h.state, effects, h.now, h.exited(id, wire::kMaxInlineOutputBytes));
    }
  });
  for (const Publish& publish : h.publishes) EXPECT_LE(publish.payload.size(), kEventMessageBytes);
  const auto messages = h.take_event_messages();
  EXPECT_EQ(messages.size(), 3U);
  size_t events = 0;
  for (const auto& message : messages) events += message.events.size();
  EXPECT_EQ(events, 30U);
}

TEST(AgentEvents, KeepsWithinTheWindowAndGoesOnAsResultsAreTaken) {
  Config config = test_config();
  config.slots = 100;
  AgentHarness h(config);
  h.make_ready();
  std::vector<AttemptKey> ids;
  for (uint32_t task = 0; task < 200; ++task) {
    ids.push_back({1, task, 1});
    h.files[{ids.back(), wire::Stream::stdout_}] = std::string(wire::kMaxInlineOutputBytes, 'x');
  }
  h.launch(ids);
  h.take_events();
  h.step([&](Effects& effects) {
    for (const AttemptKey& id : ids) {
      on_warden_report(h.state, effects, h.now, h.exited(id, wire::kMaxInlineOutputBytes));
    }
  });
  h.take_warden<wire::WardenStart>();
  std::vector<wire::Event> sent = h.take_events();
  EXPECT_LT(sent.size() * 22'000, kEventWindowBytes + 22'000);
  EXPECT_GT(sent.size(), 80U);
  std::set<AttemptKey> seen;
  while (!sent.empty()) {
    wire::TasksMessage done;
    for (const auto& event : sent) {
      EXPECT_TRUE(seen.insert(event.id).second) << to_string(event.id);
      done.done.push_back(event.id);
    }
    h.tasks(done);
    sent = h.take_events();
  }
  EXPECT_EQ(seen.size(), 200U);
  h.take_warden<wire::WardenForget>();
}

TEST(AgentEvents, SendsEverythingAgainUnderANewSession) {
  AgentHarness h;
  h.make_ready();
  h.launch({{1, 0, 1}, {1, 1, 1}});
  h.take_warden<wire::WardenStart>();
  h.report(h.started({1, 0, 1}));
  h.report(h.exited({1, 1, 1}));
  h.take_events();
  h.disconnected();
  h.take_log();
  h.advance(10'000);  // nothing is said to nobody
  h.take_connect();
  h.step([&](Effects& effects) { on_connected(h.state, effects, h.now); });
  h.take<wire::NodeStatus>(wire::NodeTopic::status);
  h.take_log();
  EXPECT_TRUE(h.take_events().empty());
  h.tasks(h.welcome_message(8));
  h.take<wire::Inventory>(wire::NodeTopic::inventory);
  const auto messages = h.take_event_messages();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].session, 8U);
  ASSERT_EQ(messages[0].events.size(), 2U);
  EXPECT_EQ(messages[0].events[0].type, EventType::started);
  EXPECT_EQ(messages[0].events[1].type, EventType::finished);
  h.advance(1);
  h.take<wire::Beat>(wire::NodeTopic::beat);
}

TEST(AgentEvents, CarriesSmallOutputsInTheResult) {
  AgentHarness h;
  h.make_ready();
  h.run({1, 0, 1});
  h.files[{{1, 0, 1}, wire::Stream::stdout_}] = "hello\n";
  h.files[{{1, 0, 1}, wire::Stream::stderr_}] = std::string(wire::kMaxInlineOutputBytes + 1, 'e');
  auto exited = h.exited({1, 0, 1}, 6, wire::kMaxInlineOutputBytes + 1);
  exited.result.code = 42;
  h.report(exited);
  const auto events = h.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].finished->code, 42);
  EXPECT_EQ(events[0].finished->out.data, "hello\n");
  EXPECT_EQ(events[0].finished->out.kept_bytes, 6U);
  EXPECT_TRUE(events[0].finished->err.data.empty());  // pulled
  h.advance(2000);
  EXPECT_EQ(h.take_events(), events);  // read again, not kept
}

TEST(AgentEvents, SendsTheResultWithoutAnOutputThatCannotBeRead) {
  AgentHarness h;
  h.make_ready();
  h.run({1, 0, 1});
  h.report(h.exited({1, 0, 1}, 6));
  const auto events = h.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(events[0].finished->out.data.empty());
}

TEST(AgentEvents, WaitsForASessionWhenItIsLostDuringARead) {
  AgentHarness h;
  h.make_ready();
  h.run({1, 0, 1});
  h.hold_reads = true;
  h.report(h.exited({1, 0, 1}, 3));
  h.disconnected();
  h.take_log();
  ReadOutput read{{kStore, {1, 0, 1}}, wire::Stream::stdout_, 0, 3, ReadOutput::For::event, h.state.outbox.last_number};
  h.step([&](Effects& effects) { on_output_read(h.state, effects, h.now, read, std::string("abc")); });
  EXPECT_TRUE(h.take_events().empty());
  EXPECT_EQ(h.state.outbox.in_flight_bytes, 0U);
}

}  // namespace
}  // namespace bramble::agent::testing
