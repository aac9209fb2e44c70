// What is true of work whose node went away and came back, in whatever way.
#include <gmock/gmock.h>

#include "node_loss_test.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::ElementsAre;

class Return : public NodeLossTest {
 protected:
  JobId submit(NodeLossPolicy policy) { return cluster.submit({0, 0, 1}, spec_with(policy)); }
};

TEST_F(Return, AResultThatWaitedOnTheDiskOfARebootedNodeCommits) {
  for (const auto policy : {NodeLossPolicy::rerun, NodeLossPolicy::fence, NodeLossPolicy::fail}) {
    Harness fresh;
    fresh.connect();
    fresh.pass(3000);
    fresh.join("pi1");
    const JobId job = fresh.submit({0, 0, 1}, spec_with(policy));
    const AttemptKey id = fresh.take("pi1").launch.at(0).id;
    wire::Inventory holds;
    holds.finished = {id};
    fresh.join(again("pi1", 2, "boot-2"), holds);
    EXPECT_FALSE(fresh.has_message("pi1")) << "nothing is started in its place";
    fresh.event("pi1", Harness::finished(id));
    EXPECT_EQ(fresh.take("pi1").done, std::vector{id});
    EXPECT_EQ(fresh.state().final_jobs.at(job).progress.state, JobState::succeeded);
    fresh.take_files();
  }
}

TEST_F(Return, ATaskThatFinishedWhileItsNodeWasAwayIsNotStartedAgain) {
  cluster.join("pi1");
  const JobId job = submit(NodeLossPolicy::rerun);
  const AttemptKey id = cluster.take("pi1").launch.at(0).id;
  cluster.event("pi1", Harness::started(id));
  cluster.pass(10'000);
  ASSERT_EQ(state_of(id), TaskState::queued);
  cluster.drop_messages();
  wire::Inventory holds;
  holds.finished = {id};
  cluster.join(again("pi1", 2), holds);
  EXPECT_FALSE(cluster.has_message("pi1"));
  cluster.event("pi1", Harness::finished(id));
  EXPECT_EQ(ended_as(job), JobState::succeeded);
}

TEST_F(Return, OfAFailPolicyATaskThatNeverStartedIsQueuedAgain) {
  cluster.join("pi1");
  submit(NodeLossPolicy::fail);
  cluster.take("pi1");
  cluster.join(again("pi1", 2));  // the agent was started again; what waited in its memory is gone
  EXPECT_EQ(cluster.take("pi1").launch.at(0).id.attempt, 2U);
}

TEST_F(Return, OfAFailPolicyATaskThatMayHaveRunFails) {
  cluster.join("pi1");
  const JobId started = submit(NodeLossPolicy::fail);
  cluster.event("pi1", Harness::started(cluster.take("pi1").launch.at(0).id));
  cluster.drop_messages();
  cluster.join(again("pi1", 2));
  EXPECT_EQ(ended_as(started), JobState::failed);

  const JobId rebooted = submit(NodeLossPolicy::fail);
  cluster.take("pi1");
  cluster.join(again("pi1", 3, "boot-2"));
  EXPECT_EQ(ended_as(rebooted), JobState::failed) << "it may have started just before the power went";
}

TEST_F(Return, AnotherMachineUnderTheNameProvesNothingOfAFenceTask) {
  cluster.join("pi1");
  submit(NodeLossPolicy::fence);
  const AttemptKey id = cluster.take("pi1").launch.at(0).id;
  cluster.event("pi1", Harness::started(id));
  cluster.pass(10'000);
  cluster.drop_messages();
  auto replacement = again("pi1", 1, "boot-of-another");
  replacement.agent_id = "00000000-0000-4000-8000-000000000099";
  replacement.machine_id = "another";
  cluster.join(replacement);
  EXPECT_EQ(state_of(id), TaskState::silent);
  EXPECT_FALSE(cluster.has_message("pi1"));
}

TEST_F(Return, ASlowRoundTripIsWelcomedOnceAndJoins) {
  cluster.say("pi1", wire::NodeTopic::status, Harness::identity("pi1"));
  const auto welcome = cluster.take("pi1");
  ASSERT_TRUE(welcome.welcome);
  // Beats from before the welcome arrived, and the birth said again.
  for (int i = 0; i < 2; ++i) {
    wire::Beat beat;
    beat.number = static_cast<uint64_t>(i);
    cluster.pass(1100);
    cluster.say("pi1", wire::NodeTopic::beat, beat);
    cluster.say("pi1", wire::NodeTopic::status, Harness::identity("pi1"));
  }
  cluster.drop_messages();
  wire::Inventory holds;
  holds.store = kStore;
  holds.session = welcome.session;
  holds.nonce = welcome.welcome->nonce;
  cluster.say("pi1", wire::NodeTopic::inventory, holds);
  EXPECT_EQ(cluster.node_state("pi1"), NodeState::on);
}

TEST_F(Return, NodesThatAreLostHoldNoPlaceAmongThosePulledFrom) {
  cluster.join("pi1", 20);
  cluster.submit({1, 20, 1});
  const auto launched = cluster.take("pi1").launch;
  ASSERT_EQ(launched.size(), 20U);
  const auto large = [](const AttemptKey& id) {
    auto event = Harness::finished(id);
    event.finished->out.kept_bytes = 1 << 20;
    return event;
  };
  for (const auto& launch : launched) cluster.event("pi1", large(launch.id));
  EXPECT_EQ(cluster.state().pulling, 16U);
  cluster.pass(10'000);
  EXPECT_EQ(cluster.state().pulling, 0U);
  cluster.take_wants();
  cluster.drop_messages();
  cluster.join("pi2", 20);
  const auto replaced = cluster.take("pi2").launch;
  ASSERT_FALSE(replaced.empty());
  cluster.event("pi2", large(replaced[0].id));
  EXPECT_EQ(cluster.take_wants().size(), 1U);
}

TEST_F(Return, ASpoolThatHasRoomAgainGetsWork) {
  cluster.join("pi1", 1);
  wire::Beat beat;
  beat.session = cluster.session("pi1");
  beat.number = 1;
  beat.spool_full = true;
  cluster.say("pi1", wire::NodeTopic::beat, beat);
  cluster.drop_messages();
  cluster.submit();
  EXPECT_FALSE(cluster.has_message("pi1"));
  beat.number = 2;
  beat.spool_full = false;
  cluster.say("pi1", wire::NodeTopic::beat, beat);
  EXPECT_EQ(cluster.take("pi1").launch.size(), 1U);
}

TEST_F(Return, JobsThatNoNodeCanHoldDoNotHideThoseBehindThem) {
  cluster.join("pi1");
  JobSpec needs_gpu;
  needs_gpu.task.resources["gpu"] = 1;
  for (int i = 0; i < 600; ++i) cluster.submit({0, 0, 1}, needs_gpu);
  EXPECT_FALSE(cluster.has_message("pi1"));
  cluster.submit();
  EXPECT_EQ(cluster.take("pi1").launch.size(), 1U);
}

TEST_F(Return, JobsThatMustWaitForAResourceDoNotHideThoseBehindThem) {
  auto status = Harness::identity("pi1", 4);
  status.resources["gpu"] = 1;
  cluster.join(status);
  JobSpec needs_gpu;
  needs_gpu.task.resources["gpu"] = 1;
  for (int i = 0; i < 600; ++i) cluster.submit({0, 0, 1}, needs_gpu);
  cluster.drop_messages();
  const JobId behind = cluster.submit();
  EXPECT_EQ(cluster.take("pi1").launch.at(0).id.job, behind);
}

}  // namespace
}  // namespace bramble::aggregator::test
