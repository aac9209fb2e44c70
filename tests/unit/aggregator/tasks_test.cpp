#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

class Tasks : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster.connect();
    cluster.pass(3000);
  }

  const State::FinalJob* final_job(JobId id) {
    const auto found = cluster.state().final_jobs.find(id);
    return found == cluster.state().final_jobs.end() ? nullptr : &found->second;
  }

  Harness cluster;
};

TEST_F(Tasks, AnAttemptIsStoredInTheStepThatLaunchesIt) {
  cluster.join("pi1");
  const JobId job = cluster.submit();
  const auto message = cluster.take("pi1");
  ASSERT_EQ(message.launch.size(), 1U);
  EXPECT_EQ(message.launch[0].id, (AttemptKey{job, 0, 1}));
  EXPECT_TRUE(message.specs.contains(job));
  ASSERT_EQ(cluster.writes_of<AddAttempt>().size(), 1U);
  EXPECT_EQ(cluster.writes_of<AddJob>().size(), 1U);
}

TEST_F(Tasks, ASuccessIsCommittedOnceAndAcknowledgedByName) {
  cluster.join("pi1");
  const JobId job = cluster.submit();
  const AttemptKey id = cluster.take("pi1").launch.at(0).id;
  cluster.event("pi1", Harness::started(id));
  EXPECT_EQ(cluster.take("pi1").ack.size(), 1U);
  cluster.event("pi1", Harness::finished(id, 0, "hi\n"));
  EXPECT_EQ(cluster.take("pi1").done, std::vector{id});
  ASSERT_EQ(cluster.writes_of<PutOutput>().size(), 1U);
  EXPECT_EQ(cluster.writes_of<PutOutput>()[0].data, "hi\n");
  ASSERT_TRUE(final_job(job));
  EXPECT_EQ(final_job(job)->progress.state, JobState::succeeded);
  cluster.take_files();

  cluster.take_writes();
  cluster.event("pi1", Harness::finished(id, 0, "hi\n"));
  EXPECT_EQ(cluster.take("pi1").done, std::vector{id}) << "said again, acknowledged again";
  EXPECT_TRUE(cluster.take_writes().empty()) << "and committed only once";
}

TEST_F(Tasks, AResultOfAnOldSessionStillCommitsButStartedDoesNot) {
  cluster.join("pi1");
  cluster.submit();
  const AttemptKey id = cluster.take("pi1").launch.at(0).id;
  const SessionId old_session = cluster.session("pi1");
  auto status = Harness::identity("pi1");
  status.counter = 2;
  wire::Inventory holds;
  holds.running = {id};
  cluster.join(status, holds);
  cluster.take_writes();
  cluster.events("pi1", old_session, {Harness::started(id)});
  EXPECT_TRUE(cluster.writes_of<StartAttempt>().empty());
  cluster.events("pi1", old_session, {Harness::finished(id)});
  EXPECT_EQ(cluster.writes_of<PutTask>().at(0).state, TaskState::succeeded);
  EXPECT_EQ(cluster.take("pi1").done.size(), 1U);
  cluster.take_files();
}

TEST_F(Tasks, AFailureIsTriedAgainAsOftenAsRetriesSay) {
  cluster.join("pi1");
  JobSpec spec;
  spec.retries = 2;
  const JobId job = cluster.submit({0, 0, 1}, spec);
  for (uint32_t attempt = 1; attempt <= 3; ++attempt) {
    if (attempt > 1) {
      EXPECT_FALSE(cluster.take("pi1").done.empty());
      cluster.pass(attempt == 2 ? 900 : 1900, {"pi1"});
      EXPECT_FALSE(cluster.has_message("pi1")) << "each time it waits for longer";
      cluster.pass(100, {"pi1"});
    }
    const auto message = cluster.take("pi1");
    ASSERT_EQ(message.launch.size(), 1U) << "attempt " << attempt;
    EXPECT_EQ(message.launch[0].id.attempt, attempt);
    cluster.event("pi1", Harness::finished(message.launch[0].id, 7));
  }
  EXPECT_EQ(cluster.take("pi1").done.size(), 1U);
  ASSERT_TRUE(final_job(job));
  EXPECT_EQ(final_job(job)->progress.state, JobState::failed);
  cluster.take_files();
}

TEST_F(Tasks, LossOfAWardenDoesNotUseUpARetry) {
  cluster.join("pi1");
  const JobId job = cluster.submit();
  auto event = Harness::finished(cluster.take("pi1").launch.at(0).id);
  event.finished->outcome = wire::Outcome::warden_lost;
  cluster.event("pi1", event);
  const auto message = cluster.take("pi1");
  ASSERT_EQ(message.launch.size(), 1U);
  EXPECT_EQ(message.launch[0].id.attempt, 2U);
  EXPECT_FALSE(final_job(job));
  cluster.take_files();
}

TEST_F(Tasks, OfALostNodeRunElsewhereAndTheFirstResultCommits) {
  cluster.join("pi1");
  const JobId job = cluster.submit();
  const AttemptKey first = cluster.take("pi1").launch.at(0).id;
  cluster.event("pi1", Harness::started(first));
  cluster.take("pi1");
  cluster.join("pi2");
  cluster.pass(5200, {"pi2"});
  const auto message = cluster.take("pi2");
  ASSERT_EQ(message.launch.size(), 1U);
  const AttemptKey second = message.launch[0].id;
  EXPECT_EQ(second, (AttemptKey{job, 0, 2}));
  cluster.event("pi2", Harness::started(second));
  cluster.take("pi2");

  // pi1 was only cut off: it comes back, and its result is there first.
  auto status = Harness::identity("pi1");
  status.counter = 2;
  wire::Inventory holds;
  holds.running = {first};
  cluster.join(status, holds);
  EXPECT_EQ(cluster.state().attempts.size(), 2U);
  cluster.event("pi1", Harness::finished(first));
  EXPECT_EQ(cluster.take("pi1").done, std::vector{first});
  EXPECT_EQ(cluster.take("pi2").cancel, std::vector{second}) << "the replacement is cancelled";
  ASSERT_TRUE(final_job(job));
  EXPECT_EQ(cluster.writes_of<PutTask>().back().committed_attempt, 1U);

  auto late = Harness::finished(second);
  late.finished->outcome = wire::Outcome::cancelled;
  cluster.event("pi2", late);
  EXPECT_EQ(cluster.take("pi2").done, std::vector{second});
  cluster.take_files();
}

TEST_F(Tasks, ANodeThatIsBackBeforeItsTaskWasPlacedElsewhereGoesOn) {
  cluster.join("pi1");
  cluster.submit();
  const AttemptKey id = cluster.take("pi1").launch.at(0).id;
  cluster.event("pi1", Harness::started(id));
  cluster.take("pi1");
  cluster.pass(5200);
  EXPECT_EQ(cluster.state().jobs.begin()->second.again.size(), 1U);
  auto status = Harness::identity("pi1");
  status.counter = 2;
  wire::Inventory holds;
  holds.running = {id};
  cluster.join(status, holds);
  EXPECT_FALSE(cluster.has_message("pi1")) << "nothing is launched a second time";
  cluster.event("pi1", Harness::finished(id));
  EXPECT_EQ(cluster.take("pi1").done.size(), 1U);
  cluster.take_files();
}

TEST_F(Tasks, ANewBootProvesThatTheOldAttemptsAreDead) {
  cluster.join("pi1");
  cluster.submit();
  const AttemptKey id = cluster.take("pi1").launch.at(0).id;
  auto status = Harness::identity("pi1");
  status.counter = 2;
  status.boot_id = "boot-2";
  cluster.join(status);
  EXPECT_EQ(cluster.writes_of<EndAttempt>().at(0).outcome, "node restarted");
  const auto message = cluster.take("pi1");
  ASSERT_EQ(message.launch.size(), 1U);
  EXPECT_EQ(message.launch[0].id.attempt, id.attempt + 1);
  cluster.take_files();
}

TEST_F(Tasks, WhatAnInventoryDoesNotListIsQueuedAgainAndWhatItShouldNotListIsCancelled) {
  cluster.join("pi1");
  cluster.submit();
  const AttemptKey id = cluster.take("pi1").launch.at(0).id;
  auto status = Harness::identity("pi1");
  status.counter = 2;
  cluster.state().last_job = 77;  // it has ended
  wire::Inventory holds;
  holds.running = {AttemptKey{77, 3, 1}};
  cluster.join(status, holds);
  const auto message = cluster.take("pi1");
  EXPECT_EQ(message.cancel, (std::vector{AttemptKey{77, 3, 1}}));
  ASSERT_EQ(message.launch.size(), 1U);
  EXPECT_EQ(message.launch[0].id.attempt, id.attempt + 1);
  cluster.take_files();
}

TEST_F(Tasks, OfAFailPolicyFailWithTheirNode) {
  cluster.join("pi1");
  JobSpec spec;
  spec.on_node_loss = NodeLossPolicy::fail;
  const JobId job = cluster.submit({0, 0, 1}, spec);
  cluster.take("pi1");
  cluster.pass(5200);
  ASSERT_TRUE(final_job(job));
  EXPECT_EQ(final_job(job)->progress.state, JobState::failed);
  cluster.drop_messages();
  cluster.take_files();
}

TEST_F(Tasks, OfAFencePolicyWaitUntilTheOldAttemptIsProvedDead) {
  cluster.join("pi1");
  cluster.join("pi2");
  JobSpec spec;
  spec.on_node_loss = NodeLossPolicy::fence;
  cluster.submit({0, 0, 1}, spec);
  cluster.take("pi1");
  cluster.pass(20'000, {"pi2"});
  EXPECT_FALSE(cluster.has_message("pi2"));
  cluster.drop_messages();  // the launch, said again while pi1 was not silent yet
  auto status = Harness::identity("pi1");
  status.counter = 2;
  status.boot_id = "boot-2";
  cluster.join(status);  // and its inventory lists no result that waits
  const std::string node = cluster.has_message("pi2") ? "pi2" : "pi1";
  EXPECT_EQ(cluster.take(node).launch.at(0).id.attempt, 2U);
  cluster.take_files();
}

TEST_F(Tasks, ALaunchIsSaidAgainUntilItIsAnswered) {
  cluster.join("pi1");
  cluster.submit();
  const AttemptKey id = cluster.take("pi1").launch.at(0).id;
  cluster.pass(1000, {"pi1"});
  EXPECT_EQ(cluster.take("pi1").launch.at(0).id, id);
  cluster.event("pi1", Harness::simple(wire::EventType::taken, id));
  cluster.pass(3000, {"pi1"});
  EXPECT_FALSE(cluster.has_message("pi1"));
}

TEST_F(Tasks, ACancelIsSaidAgainUntilTheEndIsTold) {
  cluster.join("pi1");
  const JobId job = cluster.submit();
  const AttemptKey id = cluster.take("pi1").launch.at(0).id;
  cluster.event("pi1", Harness::started(id));
  cluster.take("pi1");
  cluster.ask(CancelRequest{{job}});
  EXPECT_EQ(cluster.take_reply().http_status, 200);
  EXPECT_EQ(cluster.take("pi1").cancel, std::vector{id});
  cluster.pass(1000, {"pi1"});
  EXPECT_EQ(cluster.take("pi1").cancel, std::vector{id});
  EXPECT_FALSE(final_job(job)) << "it may still be running there";
  auto event = Harness::finished(id);
  event.finished->outcome = wire::Outcome::cancelled;
  cluster.event("pi1", event);
  cluster.take("pi1");
  ASSERT_TRUE(final_job(job));
  EXPECT_EQ(final_job(job)->progress.state, JobState::cancelled);
  cluster.take_files();
}

TEST_F(Tasks, CancellingAnArrayOfAMillionTouchesNoTaskThatNeverRan) {
  const JobId job = cluster.submit({1, 1'000'000, 1});
  cluster.take_writes();
  cluster.ask(CancelRequest{{job}});
  cluster.take_reply();
  EXPECT_LT(cluster.take_writes().size(), 5U);
  ASSERT_TRUE(final_job(job));
  EXPECT_EQ(final_job(job)->progress.counts.cancelled, 1'000'000U);
}

TEST_F(Tasks, OnlyTheOwnerOrAnOperatorCancels) {
  const JobId job = cluster.submit();
  cluster.ask(CancelRequest{{job}}, {"bob", false});
  EXPECT_EQ(cluster.take_reply().http_status, 403);
  EXPECT_FALSE(final_job(job));
  cluster.ask(CancelRequest{{job}}, {"root", true});
  EXPECT_EQ(cluster.take_reply().http_status, 200);
  EXPECT_TRUE(final_job(job));
}

TEST_F(Tasks, TheSameSubmissionTwiceMakesOneJob) {
  JobSpec spec;
  spec.submit_id = "11111111-1111-4111-8111-111111111111";
  const JobId job = cluster.submit({0, 0, 1}, spec);
  spec.task.argv = {"true"};
  cluster.ask(SubmitRequest{spec, {0, 0, 1}});
  EXPECT_EQ(cluster.take_reply().http_status, 200);
  EXPECT_EQ(cluster.state().last_job, job);
}

TEST_F(Tasks, AnArrayWithALimitHasNeverMoreAtNodes) {
  cluster.join("pi1", 8);
  JobSpec spec;
  spec.max_running = 3;
  cluster.submit({1, 10, 1}, spec);
  auto message = cluster.take("pi1");
  EXPECT_EQ(message.launch.size(), 3U);
  cluster.event("pi1", Harness::finished(message.launch[0].id));
  message = cluster.take("pi1");
  EXPECT_EQ(message.launch.size(), 1U);
  cluster.take_files();
}

TEST_F(Tasks, WorkThatWaitsOnOneNodeIsRecalledWhenAnotherIdles) {
  cluster.join("pi1", 1);
  cluster.submit({1, 2, 1});
  const auto launched = cluster.take("pi1").launch;
  ASSERT_EQ(launched.size(), 2U) << "one runs, one is sent ahead";
  cluster.event("pi1", Harness::started(launched[0].id));
  cluster.take("pi1");
  cluster.event("pi1", Harness::simple(wire::EventType::taken, launched[1].id));
  cluster.join("pi2", 1);
  cluster.pass(100);
  EXPECT_EQ(cluster.take("pi1").recall, std::vector{launched[1].id});
  cluster.event("pi1", Harness::simple(wire::EventType::returned, launched[1].id));
  const auto moved = cluster.take("pi2").launch;
  ASSERT_EQ(moved.size(), 1U);
  EXPECT_EQ(moved[0].id.task, launched[1].id.task);
  cluster.take_files();
}

TEST_F(Tasks, ADrainedNodeGetsNothingNewAndGivesBackWhatWaits) {
  cluster.join("pi1", 1);
  cluster.submit({1, 3, 1});
  const auto launched = cluster.take("pi1").launch;
  cluster.event("pi1", Harness::started(launched[0].id));
  cluster.take("pi1");
  cluster.event("pi1", Harness::simple(wire::EventType::taken, launched[1].id));
  cluster.ask(DrainRequest{{"pi1"}, true, "new card"}, {"root", true});
  EXPECT_EQ(cluster.take_reply().http_status, 200);
  cluster.pass(100);
  EXPECT_EQ(cluster.take("pi1").recall.size(), 1U);
  cluster.event("pi1", Harness::simple(wire::EventType::returned, launched[1].id));
  cluster.event("pi1", Harness::finished(launched[0].id));
  EXPECT_TRUE(cluster.take("pi1").launch.empty());
  EXPECT_FALSE(cluster.has_message("pi1"));
  cluster.take_files();
}

TEST_F(Tasks, AnUnknownNodeCannotBeDrainedAndNothingChanges) {
  cluster.join("pi1");
  cluster.ask(DrainRequest{{"pi1", "pi7"}, true, ""}, {"root", true});
  EXPECT_EQ(cluster.take_reply().http_status, 404);
  EXPECT_FALSE(cluster.state().nodes[0].record.drained);
}

TEST_F(Tasks, AppendedTasksCarryTheirInputAndRepeatedAppendsAddNothing) {
  cluster.join("pi1");
  JobSpec spec;
  spec.per_task_input = true;
  const JobId job = cluster.submit({0, 0, 1}, spec);
  const wire::BlobRef blob = cluster.upload('a', 5);
  cluster.ask(AppendRequest{job, 0, {{blob}}});
  EXPECT_EQ(cluster.take_reply().body, R"({"tasks":1})");
  cluster.ask(AppendRequest{job, 0, {{blob}}});
  EXPECT_EQ(cluster.take_reply().body, R"({"tasks":1})");
  const auto launch = cluster.take("pi1").launch.at(0);
  EXPECT_EQ(launch.stdin_blob, blob);
  cluster.event("pi1", Harness::finished(launch.id));
  cluster.take("pi1");
  EXPECT_FALSE(final_job(job)) << "more may come";
  cluster.ask(CloseRequest{job});
  cluster.take_reply();
  EXPECT_TRUE(final_job(job));
  bool removed = false;
  for (const auto& op : cluster.take_files()) removed |= std::holds_alternative<RemoveBlob>(op);
  EXPECT_TRUE(removed) << "the input of a final task is not kept";
}

TEST_F(Tasks, ASubmissionSaidAgainAfterItsJobEndedMakesNoSecondJob) {
  cluster.join("pi1");
  JobSpec spec;
  spec.task.argv = {"true"};
  spec.submit_id = "the same";
  const JobId job = cluster.submit({0, 0, 1}, spec);
  cluster.event("pi1", Harness::finished(cluster.take("pi1").launch.at(0).id));
  cluster.take("pi1");
  ASSERT_TRUE(final_job(job));
  cluster.ask(SubmitRequest{spec, {0, 0, 1}});
  EXPECT_EQ(cluster.take_reply().body, R"({"job":1})");
  cluster.take_files();
}

}  // namespace
}  // namespace bramble::aggregator::test
