#include "support/agent_harness.hpp"

namespace bramble::agent::testing {
namespace {

using wire::EventType;
using wire::Outcome;

std::vector<EventType> types(std::initializer_list<EventType> list) { return list; }

TEST(AgentTasks, StartsALaunchedTaskThroughTheWarden) {
  Config config = test_config();
  config.lang = "C.UTF-8";
  AgentHarness h(config);
  h.make_ready();
  wire::TaskSpec spec = true_spec();
  spec.env = {{"FOO", "bar"}, {"PATH", "/opt/bin"}, {"BRAMBLE_NODE", "forged"}};
  h.launch({{12, 5, 1}}, spec);
  const auto starts = h.take_warden<wire::WardenStart>();
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts[0].task, (wire::WardenTask{kStore, {12, 5, 1}}));
  EXPECT_EQ(starts[0].spec.argv, spec.argv);
  EXPECT_TRUE(starts[0].stdin_path.empty());
  const std::map<std::string, std::string> env(starts[0].spec.env.begin(), starts[0].spec.env.end());
  const std::map<std::string, std::string> expected = {
      {"PATH", "/opt/bin"},     {"LANG", "C.UTF-8"},      {"FOO", "bar"},          {"BRAMBLE_JOB_ID", "12"},
      {"BRAMBLE_TASK_ID", "5"}, {"BRAMBLE_ATTEMPT", "1"}, {"BRAMBLE_NODE", "pi01"}};
  EXPECT_EQ(env, expected);
  EXPECT_EQ(starts[0].spec.env.size(), expected.size());
  EXPECT_EQ(h.take_event_types(), types({EventType::taken}));
}

TEST(AgentTasks, QueuesWhatDoesNotFitAndStartsItWhenASlotIsFree) {
  AgentHarness h;
  h.make_ready();
  h.launch({{1, 0, 1}, {1, 1, 1}, {1, 2, 1}});
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 2U);
  h.report(h.exited({1, 0, 1}));
  const auto starts = h.take_warden<wire::WardenStart>();
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts[0].task.id, (AttemptKey{1, 2, 1}));
  h.take_events();
}

TEST(AgentTasks, NeverOvertakesTheHeadOfTheQueue) {
  AgentHarness h;
  h.make_ready();
  wire::TaskSpec wide = true_spec();
  wide.cpus = 2;
  h.launch({{1, 0, 1}});
  h.launch({{2, 0, 1}}, wide);
  h.launch({{3, 0, 1}});
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 1U);
  h.report(h.exited({1, 0, 1}));
  auto starts = h.take_warden<wire::WardenStart>();
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts[0].task.id.job, 2U);
  h.report(h.exited({2, 0, 1}));
  starts = h.take_warden<wire::WardenStart>();
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts[0].task.id.job, 3U);
  h.take_events();
}

TEST(AgentTasks, SharesOutMemoryAndNamedResources) {
  Config config = test_config();
  config.slots = 8;
  config.resources = {{"gpu", 1}};
  AgentHarness h(config);
  h.make_ready();
  wire::TaskSpec gpu = true_spec();
  gpu.resources = {{"gpu", 1}};
  h.launch({{1, 0, 1}, {1, 1, 1}}, gpu);
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 1U);
  h.report(h.exited({1, 0, 1}));
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 1U);
  h.report(h.exited({1, 1, 1}));
  wire::TaskSpec big = true_spec();
  big.memory_bytes = 600;
  h.launch({{2, 0, 1}, {2, 1, 1}}, big);
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 1U);
  h.take_events();
}

TEST(AgentTasks, RefusesWhatTheNodeCanNeverRun) {
  AgentHarness h;
  h.make_ready();
  wire::TaskSpec spec = true_spec();
  spec.cpus = 3;
  h.launch({{1, 0, 1}}, spec);
  spec = true_spec();
  spec.memory_bytes = 1001;
  h.launch({{2, 0, 1}}, spec);
  spec = true_spec();
  spec.resources = {{"gpu", 1}};
  h.launch({{3, 0, 1}}, spec);
  const auto events = h.take_events();
  ASSERT_EQ(events.size(), 3U);
  for (const auto& event : events) EXPECT_EQ(event.type, EventType::refused);
  EXPECT_EQ(events[0].text, "it needs 3 cpus, this node has 2");
  EXPECT_EQ(events[1].text, "it needs 1001 bytes of memory, this node has 1000");
  EXPECT_EQ(events[2].text, "it needs 1 of resource gpu, this node has 0");
}

TEST(AgentTasks, AnswersARepeatedLaunchWithHowFarItIs) {
  AgentHarness h;
  h.make_ready();
  h.launch({{1, 0, 1}});
  h.take_warden<wire::WardenStart>();
  EXPECT_EQ(h.take_event_types(), types({EventType::taken}));
  h.launch({{1, 0, 1}});
  EXPECT_EQ(h.take_event_types(), types({EventType::taken}));
  h.report(h.started({1, 0, 1}));
  EXPECT_EQ(h.take_event_types(), types({EventType::started}));
  h.launch({{1, 0, 1}});
  EXPECT_EQ(h.take_event_types(), types({EventType::taken, EventType::started}));
  h.report(h.exited({1, 0, 1}));
  EXPECT_EQ(h.take_event_types(), types({EventType::finished}));
  h.launch({{1, 0, 1}});
  EXPECT_EQ(h.take_event_types(), types({EventType::taken, EventType::finished}));
}

TEST(AgentTasks, SaysStartedAgainAfterItWasAcknowledged) {
  AgentHarness h;
  h.make_ready();
  h.run({1, 0, 1});
  h.launch({{1, 0, 1}});
  EXPECT_EQ(h.take_event_types(), types({EventType::taken, EventType::started}));
}

TEST(AgentTasks, GivesNoAnswerToALaunchWithoutSpecification) {
  AgentHarness h;
  h.make_ready();
  wire::TasksMessage message;
  message.specs[2] = true_spec();
  message.launch = {{{1, 0, 1}, {}}};
  h.tasks(message);
  h.take_log();  // the codec may call it malformed
  EXPECT_TRUE(h.state.tasks.held.empty());
}

TEST(AgentTasks, ReturnsWhatIsRecalledBeforeItStarted) {
  AgentHarness h;
  h.make_ready();
  h.launch({{1, 0, 1}, {1, 1, 1}, {1, 2, 1}});
  h.take_warden<wire::WardenStart>();
  h.take_events();
  wire::TasksMessage recall;
  recall.recall = {{1, 2, 1}};
  h.tasks(recall);
  EXPECT_EQ(h.take_event_types(), types({EventType::returned}));
  h.tasks(recall);
  EXPECT_EQ(h.take_event_types(), types({EventType::returned}));
  h.report(h.exited({1, 0, 1}));
  EXPECT_TRUE(h.take_warden<wire::WardenStart>().empty());
  h.take_events();
}

TEST(AgentTasks, AnswersARecallThatIsTooLateWithTheEvent) {
  AgentHarness h;
  h.make_ready();
  wire::TasksMessage recall;
  recall.recall = {{1, 0, 1}};
  h.launch({{1, 0, 1}});
  h.take_warden<wire::WardenStart>();
  h.take_events();
  h.tasks(recall);  // the warden has it: started will come
  EXPECT_TRUE(h.take_events().empty());
  h.report(h.started({1, 0, 1}));
  h.take_events();
  h.tasks(recall);
  EXPECT_EQ(h.take_event_types(), types({EventType::started}));
  h.report(h.exited({1, 0, 1}));
  h.take_events();
  h.tasks(recall);
  EXPECT_EQ(h.take_event_types(), types({EventType::finished}));
}

TEST(AgentTasks, RefusesADelayedLaunchOfWhatWasRecalledOrCancelled) {
  AgentHarness h;
  h.make_ready();
  wire::TasksMessage message;
  message.recall = {{1, 0, 1}};
  message.cancel = {{1, 1, 1}};
  h.tasks(message);  // both overtook their launch
  EXPECT_EQ(h.take_event_types(), types({EventType::gone, EventType::gone}));
  h.launch({{1, 0, 1}, {1, 1, 1}});
  const auto events = h.take_events();
  ASSERT_EQ(events.size(), 2U);
  for (const auto& event : events) {
    EXPECT_EQ(event.type, EventType::refused);
    EXPECT_EQ(event.text, "revoked");
  }
}

TEST(AgentTasks, RemembersTheNewest4096Revocations) {
  RecentAttempts<bool> memory(kMaxRemembered);
  for (uint32_t i = 0; i <= kMaxRemembered; ++i) memory.remember({1, i, 1}, true);
  EXPECT_EQ(memory.size(), kMaxRemembered);
  EXPECT_FALSE(memory.find({1, 0, 1}));
  EXPECT_TRUE(memory.find({1, 1, 1}));
  memory.remember({1, 1, 1}, false);
  EXPECT_EQ(memory.find({1, 1, 1}), true);
}

TEST(AgentTasks, EndsACancelledTaskThatNeverStarted) {
  AgentHarness h;
  h.make_ready();
  h.launch({{1, 0, 1}, {1, 1, 1}, {1, 2, 1}});
  h.take_warden<wire::WardenStart>();
  h.take_events();
  wire::TasksMessage cancel;
  cancel.cancel = {{1, 2, 1}};
  h.tasks(cancel);
  auto events = h.take_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].type, EventType::finished);
  EXPECT_EQ(events[0].finished->outcome, Outcome::cancelled);
  h.tasks(cancel);
  EXPECT_EQ(h.take_event_types(), types({EventType::finished}));
  wire::TasksMessage done;
  done.done = {{1, 2, 1}};
  h.tasks(done);
  EXPECT_TRUE(h.take_warden<wire::WardenForget>().empty());  // the warden never had it
  h.tasks(cancel);
  EXPECT_EQ(h.take_event_types(), types({EventType::gone}));
}

TEST(AgentTasks, HasTheWardenKillARunningTaskOnce) {
  AgentHarness h;
  h.make_ready();
  h.run({1, 0, 1});
  wire::TasksMessage cancel;
  cancel.cancel = {{1, 0, 1}};
  h.tasks(cancel);
  h.tasks(cancel);
  const auto kills = h.take_warden<wire::WardenKill>();
  ASSERT_EQ(kills.size(), 1U);
  EXPECT_EQ(kills[0].outcome, Outcome::cancelled);
  auto exited = h.exited({1, 0, 1});
  exited.result.outcome = Outcome::cancelled;
  h.report(exited);
  EXPECT_EQ(h.take_event_types(), types({EventType::finished}));
}

TEST(AgentTasks, ForgetsAResultThatIsDoneAndRefusesItsLateLaunch) {
  AgentHarness h;
  h.make_ready();
  h.run({1, 0, 1});
  h.report(h.exited({1, 0, 1}));
  EXPECT_EQ(h.take_event_types(), types({EventType::finished}));
  wire::TasksMessage done;
  done.done = {{1, 0, 1}, {9, 9, 9}};
  h.tasks(done);
  const auto forgets = h.take_warden<wire::WardenForget>();
  ASSERT_EQ(forgets.size(), 1U);
  EXPECT_EQ(forgets[0].tasks, std::vector<wire::WardenTask>({{kStore, {1, 0, 1}}}));
  h.tasks(done);
  h.advance(10'000);
  EXPECT_TRUE(h.state.tasks.held.empty());
  h.launch({{1, 0, 1}});
  EXPECT_EQ(h.take_event_types(), types({EventType::refused}));
}

TEST(AgentTasks, HasTheWardenForgetWithTheNextRequestOrALittleLater) {
  AgentHarness h;
  h.make_ready();
  h.run({1, 0, 1});
  h.report(h.exited({1, 0, 1}));
  h.take_events();
  wire::TasksMessage done;
  done.done = {{1, 0, 1}};
  h.tasks(done);
  EXPECT_TRUE(h.warden.empty());
  EXPECT_EQ(h.wake_at - h.now.mono, kForgetMs);
  h.launch({{1, 1, 1}});
  EXPECT_EQ(h.warden.size(), 2U);  // the start, and the forget with it
  EXPECT_EQ(h.take_warden<wire::WardenForget>().size(), 1U);
  h.take_warden<wire::WardenStart>();
  h.take_events();
}

TEST(AgentTasks, IgnoresDoneForARunningTask) {
  AgentHarness h;
  h.make_ready();
  h.run({1, 0, 1});
  wire::TasksMessage done;
  done.done = {{1, 0, 1}};
  h.tasks(done);
  EXPECT_EQ(h.state.tasks.held.size(), 1U);
}

TEST(AgentTasks, StartsNothingWhileTheSpoolIsFull) {
  Config config = test_config();
  config.max_spool_bytes = 100;
  config.beat_ms = 1000;
  AgentHarness h(config);
  h.make_ready();
  h.launch({{1, 0, 1}, {1, 1, 1}, {1, 2, 1}});
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 2U);
  h.files[{{1, 0, 1}, wire::Stream::stdout_}] = std::string(100, 'x');
  h.report(h.exited({1, 0, 1}, 100));
  h.advance(1000);
  auto beats = h.take<wire::Beat>(wire::NodeTopic::beat);
  ASSERT_EQ(beats.size(), 1U);
  EXPECT_TRUE(beats[0].spool_full);
  EXPECT_EQ(beats[0].spool_bytes, 100U);
  EXPECT_EQ(beats[0].running, 1U);
  EXPECT_EQ(beats[0].queued, 1U);
  EXPECT_TRUE(h.take_warden<wire::WardenStart>().empty());
  wire::TasksMessage done;
  done.done = {{1, 0, 1}};
  h.tasks(done);
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 1U);
  h.take_warden<wire::WardenForget>();
  h.take_events();
}

TEST(AgentTasks, LimitsTheSpoolInAttemptsToo) {
  Config config = test_config();
  config.max_spool_attempts = 1;
  AgentHarness h(config);
  h.make_ready();
  h.launch({{1, 0, 1}, {1, 1, 1}, {1, 2, 1}});
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 2U);
  h.report(h.exited({1, 0, 1}));
  EXPECT_TRUE(h.take_warden<wire::WardenStart>().empty());
  h.take_events();
}

TEST(AgentTasks, LeavesALaunchUnansweredWhenTheQueueIsFull) {
  Config config = test_config();
  config.max_queued = 1;
  AgentHarness h(config);
  h.make_ready();
  h.launch({{1, 0, 1}, {1, 1, 1}});  // the second waits for the first to be started
  EXPECT_EQ(h.take_event_types(), types({EventType::taken}));
  h.launch({{1, 1, 1}});
  EXPECT_EQ(h.take_event_types(), types({EventType::taken}));
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 2U);
}

TEST(AgentTasks, GoesOnStartingWhileCutOffFromTheBroker) {
  AgentHarness h;
  h.make_ready();
  h.launch({{1, 0, 1}, {1, 1, 1}, {1, 2, 1}});
  h.take_warden<wire::WardenStart>();
  h.take_events();
  h.disconnected();
  h.take_log();
  h.report(h.exited({1, 0, 1}));
  EXPECT_EQ(h.take_warden<wire::WardenStart>().size(), 1U);
  EXPECT_TRUE(h.take_events().empty());
}

}  // namespace
}  // namespace bramble::agent::testing
