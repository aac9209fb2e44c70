// Tasks whose output a node cannot keep.
#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

wire::Event without_room(const AttemptKey& id) {
  wire::Event event = Harness::finished(id, 74);
  event.finished->text = "stdout was cut off after 0 bytes and 5 were lost: no space left on device";
  return event;
}

class NoRoom : public ::testing::Test {
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

TEST_F(NoRoom, AnOutputThatANodeHasNoRoomForIsMadeElsewhere) {
  cluster.join("pi1");
  const JobId job = cluster.submit();
  const auto first = cluster.take("pi1").launch.at(0).id;
  cluster.join("pi2");
  cluster.event("pi1", without_room(first));
  EXPECT_TRUE(cluster.take("pi1").launch.empty()) << "though it is as free as the other";
  const auto second = cluster.take("pi2").launch.at(0).id;
  EXPECT_EQ(second.attempt, 2U);
  cluster.event("pi2", Harness::finished(second));
  cluster.take("pi2");
  ASSERT_TRUE(final_job(job));
  EXPECT_EQ(final_job(job)->progress.state, JobState::succeeded);
  cluster.take_files();
}

TEST_F(NoRoom, AnOutputThatNoNodeHasRoomForFailsAfterAFewTries) {
  cluster.join("pi1");
  const JobId job = cluster.submit();
  for (uint32_t attempt = 1; attempt <= 4; ++attempt) {
    const auto message = cluster.take("pi1");
    ASSERT_EQ(message.launch.size(), 1U) << "attempt " << attempt << ": there is no other node";
    cluster.event("pi1", without_room(message.launch[0].id));
    if (attempt > 1 && attempt < 4) {
      EXPECT_FALSE(cluster.take("pi1").done.empty());
      cluster.pass(attempt == 2 ? 1000 : 2000, {"pi1"});
    }
  }
  cluster.take("pi1");
  ASSERT_TRUE(final_job(job));
  EXPECT_EQ(final_job(job)->progress.state, JobState::failed);
  cluster.take_files();
}

TEST_F(NoRoom, ATaskThatEndsBy74ItselfOrMayNotRunTwiceIsNotTriedAgain) {
  cluster.join("pi1");
  const JobId own = cluster.submit();
  cluster.event("pi1", Harness::finished(cluster.take("pi1").launch.at(0).id, 74));
  cluster.take("pi1");
  ASSERT_TRUE(final_job(own));
  JobSpec spec;
  spec.on_node_loss = NodeLossPolicy::fail;
  const JobId once = cluster.submit({0, 0, 1}, spec);
  cluster.event("pi1", without_room(cluster.take("pi1").launch.at(0).id));
  cluster.take("pi1");
  ASSERT_TRUE(final_job(once));
  EXPECT_EQ(final_job(once)->progress.state, JobState::failed);
  cluster.take_files();
}

}  // namespace
}  // namespace bramble::aggregator::test
