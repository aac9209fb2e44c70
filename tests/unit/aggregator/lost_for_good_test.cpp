// Tasks go on and end though an earlier attempt of theirs is lost and never comes back.
#include <gmock/gmock.h>

#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

class LostForGood : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster.connect();
    cluster.pass(3000);
    cluster.join("pi1");
  }
  void TearDown() override {
    cluster.drop_messages();
    cluster.take_files();
  }

  // The second attempt, at pi2, of a task whose first is lost with pi1.
  AttemptKey second_try(JobSpec spec = {}) {
    cluster.submit({0, 0, 1}, std::move(spec));
    const AttemptKey first = cluster.take("pi1").launch.at(0).id;
    cluster.event("pi1", Harness::started(first));
    cluster.join("pi2");
    cluster.pass(30'000, {"pi2"});
    const AttemptKey second{first.job, first.task, 2};
    cluster.event("pi2", Harness::started(second));
    EXPECT_TRUE(cluster.state().attempts.at(first).lost);
    EXPECT_TRUE(cluster.state().attempts.at(second).running);
    return second;
  }

  static JobSpec fenced() {
    JobSpec spec;
    spec.on_node_loss = NodeLossPolicy::fence;
    return spec;
  }

  Harness cluster;
};

TEST_F(LostForGood, AFailureOfTheSecondTryEndsTheTask) {
  const AttemptKey second = second_try();
  cluster.event("pi2", Harness::finished(second, 1));
  EXPECT_FALSE(cluster.state().tasks.contains(second.task_key()));
  EXPECT_EQ(cluster.writes_of<PutTask>().back().state, TaskState::failed);
}

TEST_F(LostForGood, AFailureThatIsRetriedIsTriedAgain) {
  JobSpec spec;
  spec.retries = 1;
  const AttemptKey second = second_try(spec);
  cluster.event("pi2", Harness::finished(second, 1));
  cluster.pass(2000, {"pi2"});
  EXPECT_EQ(cluster.state().tasks.at(second.task_key()).attempts, 3U);
}

TEST_F(LostForGood, AFencedTaskWhoseFirstTryIsProvedDeadFailsWithItsSecond) {
  const AttemptKey second = second_try(fenced());
  cluster.event("pi2", Harness::finished(second, 1));
  EXPECT_FALSE(cluster.state().tasks.contains(second.task_key()));
}

TEST_F(LostForGood, ASecondTryThatItsNodeLosesIsTriedAgain) {
  const AttemptKey second = second_try();
  auto status = Harness::identity("pi2");
  status.boot_id = "boot-2";
  status.counter = 2;
  cluster.drop_messages();
  cluster.join(status);
  cluster.pass(2000, {"pi2"});
  EXPECT_EQ(cluster.state().tasks.at(second.task_key()).attempts, 3U);
}

TEST_F(LostForGood, TheOutputOfADeadAttemptThatSucceededAfterAllIsFetched) {
  const AttemptKey second = second_try(fenced());
  const AttemptKey first{second.job, second.task, 1};
  auto status = Harness::identity("pi1");
  status.counter = 2;
  cluster.drop_messages();
  wire::Inventory holds;
  holds.running = {first};  // it ended after this was written
  cluster.join(status, holds);
  auto result = Harness::finished(first);
  result.finished->out.kept_bytes = 100'000;
  cluster.event("pi1", result);
  cluster.pass(500, {"pi1", "pi2"});
  ASSERT_EQ(cluster.take_wants().size(), 1U);
}

// Cancelled, it could be tried again at once.
TEST_F(LostForGood, AFencedTaskThatIsCancelledEndsWhenItIsProvedDeadAndNotBefore) {
  const JobId job = cluster.submit({0, 0, 1}, fenced());
  const AttemptKey id = cluster.take("pi1").launch.at(0).id;
  cluster.event("pi1", Harness::started(id));
  cluster.pass(6000);
  ASSERT_TRUE(cluster.state().attempts.at(id).lost);
  cluster.ask(CancelRequest{{job}});
  cluster.take_reply();
  ASSERT_TRUE(cluster.state().tasks.contains(id.task_key()));
  EXPECT_EQ(cluster.state().tasks.at(id.task_key()).state, TaskState::silent);
  cluster.pass(30'000);
  EXPECT_FALSE(cluster.state().tasks.contains(id.task_key()));
  EXPECT_EQ(cluster.writes_of<PutTask>().back().state, TaskState::cancelled);
}

TEST_F(LostForGood, ACancelledTaskWhoseNodeIsLostLaterEndsWithTheProof) {
  const JobId job = cluster.submit({0, 0, 1}, fenced());
  const AttemptKey id = cluster.take("pi1").launch.at(0).id;
  cluster.event("pi1", Harness::started(id));
  cluster.ask(CancelRequest{{job}});
  cluster.take_reply();
  cluster.pass(10'000);
  ASSERT_TRUE(cluster.state().tasks.contains(id.task_key()));
  cluster.pass(30'000);
  EXPECT_EQ(cluster.writes_of<PutTask>().back().state, TaskState::cancelled);
}

TEST_F(LostForGood, AFencedTaskThatIsTriedAgainJustAfterARestartWaitsForLeasesThatNobodyRemembers) {
  RetryPlan plan;
  plan.job.id = 7;
  plan.job.spec = fenced();
  plan.job.spec.task.argv = {"true"};
  plan.job.spec.task.lease_ms = 20'000;
  plan.job.progress.state = JobState::failed;
  plan.job.progress.range = {0, 0, 1};
  plan.job.progress.next_position = 1;
  plan.job.progress.counts.total = 1;
  plan.job.progress.counts.failed = 1;
  plan.tasks = {{{7, 0}, TaskState::failed, 1, 1, {}}};
  plan.touched = 1;
  cluster.ask(RetryRequest{{plan}});
  EXPECT_EQ(cluster.take_reply().http_status, 200);
  cluster.pass(10'000, {"pi1"});
  EXPECT_EQ(cluster.state().tasks.at({7, 0}).attempts, 1U);
  cluster.pass(15'000, {"pi1"});
  EXPECT_EQ(cluster.state().tasks.at({7, 0}).attempts, 2U);
}

}  // namespace
}  // namespace bramble::aggregator::test
