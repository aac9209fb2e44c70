// What happens to work whose node is not heard, and what proves that it is dead.
#include <gmock/gmock.h>

#include "node_loss_test.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kProofMs = 20'000 + 200 + 2'000;  // lease, drift, kill grace: the defaults

class Losses : public NodeLossTest {
 protected:
  AttemptKey run_on(const std::string& node, NodeLossPolicy policy, const JobSpec& spec = {}) {
    cluster.submit({0, 0, 1}, spec_with(policy, spec));
    const AttemptKey id = cluster.take(node).launch.at(0).id;
    cluster.event(node, Harness::started(id));
    cluster.take(node);
    return id;
  }
  void reboot(const std::string& node, uint64_t counter) {
    cluster.join(again(node, counter, "boot-" + std::to_string(counter)));
  }
  // Drops what went to the node until a launch comes; none: attempt 0.
  AttemptKey launched_on(const std::string& node) {
    while (cluster.has_message(node)) {
      const auto message = cluster.take(node);
      if (!message.launch.empty()) return message.launch[0].id;
    }
    return {};
  }
};

TEST_F(Losses, ATaskIsSilentAsSoonAsItsNodeIsAndRunningWhenItIsHeardAgain) {
  cluster.join("pi1");
  const AttemptKey id = run_on("pi1", NodeLossPolicy::rerun);
  cluster.take_writes();
  cluster.pass(3200);
  EXPECT_EQ(state_of(id), TaskState::silent);
  ASSERT_EQ(cluster.writes_of<PutTask>().size(), 1U);
  EXPECT_EQ(cluster.writes_of<PutTask>()[0].state, TaskState::silent) << "people see it in the store";
  wire::Inventory holds;
  holds.running = {id};
  cluster.join(again("pi1", 2), holds);
  EXPECT_EQ(state_of(id), TaskState::running);
  EXPECT_EQ(cluster.writes_of<PutTask>().back().state, TaskState::running);
}

TEST_F(Losses, AFencedTaskCarriesItsLeaseToTheNodeAndOthersDoNot) {
  cluster.join("pi1");
  cluster.submit({0, 0, 1}, spec_with(NodeLossPolicy::fence));
  EXPECT_EQ(cluster.take("pi1").specs.begin()->second.lease_ms, 20'000);
  cluster.submit();
  EXPECT_EQ(cluster.take("pi1").specs.begin()->second.lease_ms, 0);
}

TEST_F(Losses, AFencedTaskRunsAgainWhenItsLeaseIsOverAndNotBefore) {
  cluster.join("pi1");
  cluster.join("pi2");
  const AttemptKey id = run_on("pi1", NodeLossPolicy::fence);
  cluster.beat("pi1");
  cluster.pass(kProofMs - 100, {"pi2"});
  EXPECT_EQ(state_of(id), TaskState::silent);
  EXPECT_EQ(launched_on("pi2"), AttemptKey());
  cluster.pass(200, {"pi2"});
  EXPECT_EQ(launched_on("pi2").attempt, 2U);
  EXPECT_TRUE(is_open(id)) << "its result may yet lie on the node's disk";
}

TEST_F(Losses, TheLeaseCountsFromTheLastBeat) {
  cluster.join("pi1");
  cluster.join("pi2");
  run_on("pi1", NodeLossPolicy::fence);
  cluster.pass(30'000, {"pi1", "pi2"});
  cluster.pass(kProofMs - 1000, {"pi2"});
  EXPECT_EQ(launched_on("pi2"), AttemptKey());
}

TEST_F(Losses, AfterARestartTheLeaseCountsFromTheRestart) {
  cluster.join("pi1");
  const AttemptKey id = run_on("pi1", NodeLossPolicy::fence);
  LoadedState loaded;
  loaded.term = 2;
  loaded.last_session = 10;
  loaded.nodes = {cluster.state().nodes[0].record};
  JobRecord job = cluster.state().jobs.at(id.job).record;
  loaded.open_jobs = {job};
  loaded.open_tasks = {{id.task_key(), TaskState::running, 1, 0, {}}};
  loaded.open_attempts = {{id, "pi1", 1, {}, WallTime{1}}};
  Harness fresh(loaded);
  fresh.connect();
  fresh.join("pi2");
  fresh.pass(kProofMs - 100, {"pi2"});
  EXPECT_FALSE(fresh.has_message("pi2"));
  fresh.pass(200, {"pi2"});
  EXPECT_EQ(fresh.take("pi2").launch.at(0).id.attempt, 2U);
}

// Found by the simulator: the proof of an older attempt's death released the task while a newer one was not proved
// dead.
TEST_F(Losses, EachOfSeveralLostAttemptsMustBeProvedDead) {
  cluster.join("pi1");
  const AttemptKey first = run_on("pi1", NodeLossPolicy::fence);
  cluster.pass(kProofMs + 200);
  cluster.join("pi2");
  const AttemptKey second = launched_on("pi2");
  ASSERT_EQ(second.attempt, 2U);
  LoadedState loaded;
  loaded.term = 2;
  loaded.last_job = 1;
  loaded.last_session = 10;
  for (const auto& node : cluster.state().nodes) loaded.nodes.push_back(node.record);
  loaded.open_jobs = {cluster.state().jobs.at(first.job).record};
  loaded.open_tasks = {{first.task_key(), TaskState::assigned, 2, 0, {}}};
  loaded.open_attempts = {{first, "pi1", 1, {}, WallTime{1}}, {second, "pi2", 2, {}, WallTime{1}}};
  Harness fresh(loaded);
  fresh.connect();
  fresh.join("pi3");
  auto alive = again("pi2", 2);
  wire::Inventory holds;
  holds.running = {second};
  fresh.join(alive, holds);
  fresh.pass(15'000, {"pi2", "pi3"});
  fresh.pass(kProofMs - 1000, {"pi3"});
  EXPECT_FALSE(fresh.has_message("pi3")) << "the lease of the second began later";
  fresh.pass(1200, {"pi3"});
  EXPECT_TRUE(fresh.has_message("pi3"));
  fresh.drop_messages();
}

TEST_F(Losses, ADeadAttemptThatIsSaidToRunIsCancelledAndItsResultStillCommits) {
  cluster.join("pi1");
  const AttemptKey id = run_on("pi1", NodeLossPolicy::fence);
  cluster.pass(kProofMs + 200);
  wire::Inventory holds;
  holds.running = {id};
  cluster.join(again("pi1", 2), holds);
  EXPECT_EQ(cluster.take("pi1").cancel, std::vector{id});
  cluster.event("pi1", Harness::finished(id));
  EXPECT_EQ(ended_as(id.job), JobState::succeeded);
}

TEST_F(Losses, ProofThatThePowerIsOffReleasesFencedTasksAtOnce) {
  cluster.join("pi1");
  cluster.join("pi2");
  run_on("pi1", NodeLossPolicy::fence);
  cluster.step([&](Effects& effects) { on_power_off(cluster.state(), effects, cluster.now(), "pi1"); });
  EXPECT_EQ(launched_on("pi2").attempt, 2U);
}

TEST_F(Losses, PowerOffOfAnUnknownNodeIsNothing) {
  cluster.step([&](Effects& effects) { on_power_off(cluster.state(), effects, cluster.now(), "pi9"); });
}

TEST_F(Losses, WhatAnotherMachineWasGivenUnderTheNameIsDeadAtItsOwnLeasesEndOnly) {
  cluster.join("pi1");
  const AttemptKey id = run_on("pi1", NodeLossPolicy::fence);
  cluster.pass(10'000);
  auto other = again("pi1", 1, "boot-9");
  other.agent_id = "00000000-0000-4000-8000-000000000009";
  cluster.join(other);  // it knows nothing of the attempt
  EXPECT_EQ(state_of(id), TaskState::silent);
  cluster.pass(kProofMs - 10'200, {"pi1"});
  EXPECT_EQ(launched_on("pi1"), AttemptKey());
  cluster.pass(400, {"pi1"});
  EXPECT_EQ(launched_on("pi1").attempt, 2U) << "its beats do not count for the old machine";
}

TEST_F(Losses, AReplacementThatHasNotBegunIsGivenBackWhenTheOriginalIsHeardAgain) {
  cluster.join("pi1");
  const AttemptKey id = run_on("pi1", NodeLossPolicy::rerun);
  cluster.join("pi2");
  cluster.pass(5300, {"pi2"});
  const AttemptKey replacement = launched_on("pi2");
  ASSERT_EQ(replacement.attempt, 2U);
  wire::Inventory holds;
  holds.running = {id};
  cluster.join(again("pi1", 2), holds);
  EXPECT_EQ(cluster.take("pi2").recall, std::vector{replacement});
  cluster.event("pi2", Harness::simple(wire::EventType::returned, replacement));
  EXPECT_EQ(state_of(id), TaskState::running);
  cluster.event("pi1", Harness::finished(id));
  EXPECT_EQ(ended_as(id.job), JobState::succeeded);
}

TEST_F(Losses, ATaskThatTakesItsNodeDownThreeTimesFailsWithThatReason) {
  cluster.join("pi1");
  AttemptKey id = run_on("pi1", NodeLossPolicy::rerun);
  for (uint64_t boot = 2; boot <= 3; ++boot) {
    reboot("pi1", boot);
    cluster.pass(5000, {"pi1"});  // tried again after a while
    id = launched_on("pi1");
    ASSERT_EQ(id.attempt, boot);
    cluster.event("pi1", Harness::started(id));
    cluster.drop_messages();
  }
  cluster.take_writes();
  reboot("pi1", 4);
  EXPECT_EQ(ended_as(id.job), JobState::failed);
  EXPECT_THAT(cluster.writes_of<EndAttempt>().at(0).outcome, HasSubstr("went down during 3 attempts"));
}

TEST_F(Losses, ABootThatWasAnnouncedIsHeldAgainstNobody) {
  cluster.join("pi1");
  AttemptKey id = run_on("pi1", NodeLossPolicy::rerun);
  for (uint64_t boot = 2; boot <= 5; ++boot) {
    auto goodbye = again("pi1", boot - 1, "boot-" + std::to_string(boot - 1));
    goodbye.online = false;
    goodbye.reason = "goodbye";
    cluster.say("pi1", wire::NodeTopic::status, goodbye);
    reboot("pi1", boot);
    id = launched_on("pi1");
    ASSERT_EQ(id.attempt, boot);
    cluster.event("pi1", Harness::started(id));
    cluster.drop_messages();
  }
  EXPECT_EQ(cluster.state().tasks.at(id.task_key()).crashes, 0U);
}

TEST_F(Losses, AWirelessDropIsHeldAgainstNobody) {
  cluster.join("pi1");
  const AttemptKey id = run_on("pi1", NodeLossPolicy::rerun);
  wire::Inventory holds;
  holds.running = {id};
  for (uint64_t counter = 2; counter <= 6; ++counter) {
    cluster.pass(4000);
    cluster.join(again("pi1", counter), holds);
    cluster.drop_messages();
  }
  EXPECT_EQ(cluster.state().tasks.at(id.task_key()).crashes, 0U);
  EXPECT_EQ(state_of(id), TaskState::running);
}

TEST_F(Losses, WithoutALimitATaskMayGoOnTakingItsNodeDown) {
  cluster.join("pi1");
  JobSpec spec;
  spec.crash_limit = 0;
  AttemptKey id = run_on("pi1", NodeLossPolicy::rerun, spec);
  for (uint64_t boot = 2; boot <= 6; ++boot) {
    reboot("pi1", boot);
    cluster.pass(20'000, {"pi1"});
    id = launched_on("pi1");
    ASSERT_EQ(id.attempt, boot);
    cluster.event("pi1", Harness::started(id));
    cluster.drop_messages();
  }
}

TEST_F(Losses, ACancelledTaskThatWaitsToBeTriedAgainEndsAtOnce) {
  cluster.join("pi1");
  JobSpec spec;
  spec.retries = 5;
  const AttemptKey id = run_on("pi1", NodeLossPolicy::rerun, spec);
  cluster.event("pi1", Harness::finished(id, 1));
  ASSERT_TRUE(cluster.state().tasks.at(id.task_key()).not_before);
  cluster.ask(CancelRequest{{id.job}});
  cluster.take_reply();
  EXPECT_EQ(ended_as(id.job), JobState::cancelled);
  EXPECT_TRUE(cluster.state().delayed.empty());
}

TEST_F(Losses, AStoreThatHasGoneBackInTimeTouchesNothing) {
  cluster.join("pi1");
  const AttemptKey id = run_on("pi1", NodeLossPolicy::rerun);
  wire::EventsMessage message;
  message.store = kStore;
  message.term = 7;  // ours is 1
  message.events = {Harness::finished(id)};
  cluster.take_writes();
  cluster.say("pi1", wire::NodeTopic::events, message);
  EXPECT_TRUE(is_open(id)) << "a result of the later life may be of another job";
  EXPECT_TRUE(cluster.take_writes().empty());
  ASSERT_EQ(cluster.take_warnings().size(), 1U);
  cluster.ask(SubmitRequest{{}, {0, 0, 1}});
  const auto reply = cluster.take_reply();
  EXPECT_EQ(reply.http_status, 503);
  EXPECT_THAT(reply.body, HasSubstr("--renew-store"));
  cluster.pass(30'000);
  EXPECT_FALSE(cluster.has_message("pi1"));
}

TEST_F(Losses, ABirthThatKnowsALaterTermIsNotWelcomed) {
  auto status = Harness::identity("pi1");
  status.store = kStore;
  status.term = 2;
  cluster.say("pi1", wire::NodeTopic::status, status);
  EXPECT_FALSE(cluster.has_message("pi1"));
  EXPECT_THAT(cluster.take_warnings().at(0), HasSubstr("old copy"));
}

TEST_F(Losses, ANodeThatHoldsWhatWasNeverGivenOutShowsThatTheStoreIsAnOldCopy) {
  for (const AttemptKey& id : {AttemptKey{7, 0, 1}, AttemptKey{1, 0, 2}, AttemptKey{1, 5, 1}}) {
    Harness old;
    old.connect();
    old.join("pi1", 1);
    old.submit({0, 9, 1});
    old.take("pi1");
    wire::Inventory holds;
    holds.finished = {id};
    auto status = Harness::identity("pi1", 1);
    status.counter = 2;
    old.join(status, holds);
    EXPECT_FALSE(old.state().gone_back.empty()) << to_string(id);
    old.drop_messages();
  }
}

TEST_F(Losses, ASecondAggregatorOfTheSameStoreStopsBoth) {
  wire::AggregatorStatus other{true, kStore, 1, "22222222-2222-4333-8444-555555555555", "0.1.0"};
  cluster.bytes(cluster.state().topics.aggregator_status(), wire::encode(other));
  EXPECT_THAT(cluster.state().gone_back, HasSubstr("second aggregator"));
  cluster.take_warnings();
}

TEST_F(Losses, WhatAnEarlierRunLeftBehindAndOtherStoresAreNoSign) {
  LoadedState loaded;
  loaded.term = 5;
  Harness fresh(loaded);
  const auto topic = fresh.state().topics.aggregator_status();
  fresh.bytes(topic, wire::encode(wire::AggregatorStatus{true, kStore, 4, kStore, "0.1.0"}));
  fresh.bytes(topic, wire::encode(wire::AggregatorStatus{true, "99999999-2222-4333-8444-555555555555", 9, "", ""}));
  fresh.bytes(topic, "");
  EXPECT_TRUE(fresh.state().gone_back.empty());
}

TEST_F(Losses, ANodeOfAnotherAggregatorIsLeftAloneAndSaidOnce) {
  auto status = Harness::identity("pi1");
  status.store = "99999999-2222-4333-8444-555555555555";
  for (uint64_t counter = 1; counter <= 3; ++counter) {
    status.counter = counter;
    cluster.say("pi1", wire::NodeTopic::status, status);
    cluster.say("pi1", wire::NodeTopic::beat, wire::Beat{.number = counter});
    cluster.pass(2000);
  }
  EXPECT_FALSE(cluster.has_message("pi1"));
  EXPECT_EQ(cluster.take_warnings().size(), 1U);
  status.store = "";  // a person has let it go
  status.counter = 4;
  cluster.join(status);
  EXPECT_EQ(cluster.node_state("pi1"), NodeState::on);
}

TEST_F(Losses, AGoodbyeIsRememberedOverARestart) {
  cluster.join("pi1");
  auto goodbye = Harness::identity("pi1");
  goodbye.online = false;
  goodbye.reason = "goodbye";
  cluster.say("pi1", wire::NodeTopic::status, goodbye);
  LoadedState loaded;
  loaded.nodes = {cluster.writes_of<PutNode>().back().node};
  Harness fresh(loaded);
  EXPECT_EQ(fresh.node_state("pi1"), NodeState::stopped);
}

}  // namespace
}  // namespace bramble::aggregator::test
