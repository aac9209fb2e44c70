#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

TEST(TasksAfterARestart, AreTakenUpWhereTheStoreLeftThem) {
  Harness cluster;
  cluster.connect();
  cluster.pass(3000);
  cluster.join("pi1");
  cluster.submit({1, 3, 1});
  const auto launched = cluster.take("pi1").launch;
  cluster.event("pi1", Harness::started(launched[0].id));
  cluster.take("pi1");

  LoadedState loaded;
  loaded.term = 2;
  loaded.last_session = cluster.state().last_session;
  loaded.last_job = 1;
  loaded.nodes.push_back(cluster.state().nodes[0].record);
  loaded.open_jobs.push_back(cluster.state().jobs.at(1).record);
  for (const auto& [key, task] : cluster.state().tasks) {
    loaded.open_tasks.push_back({key, task.state, task.attempts, task.failures, task.stdin_blob});
  }
  for (const auto& [key, attempt] : cluster.state().attempts) {
    loaded.open_attempts.push_back({key, "pi1", attempt.session, attempt.assigned, attempt.started});
  }
  Harness restarted(loaded);
  restarted.connect();
  wire::Inventory holds;
  holds.running = {launched[0].id};
  for (size_t i = 1; i < launched.size(); ++i) holds.queued.push_back(launched[i].id);
  auto status = Harness::identity("pi1");
  status.counter = 2;
  restarted.join(status, holds);
  EXPECT_FALSE(restarted.has_message("pi1") && !restarted.take("pi1").cancel.empty()) << "nothing is interrupted";
  for (const auto& launch : launched) restarted.event("pi1", Harness::finished(launch.id));
  restarted.drop_messages();
  restarted.take_files();
  EXPECT_LE(restarted.state().jobs.size(), 1U);
}

TEST(TasksAfterARestart, ASubmissionSaidAgainMakesNoSecondJob) {
  LoadedState loaded;
  loaded.last_job = 7;
  loaded.recent_submissions["the same"] = 7;
  Harness cluster(loaded);
  JobSpec spec;
  spec.task.argv = {"true"};
  spec.submit_id = "the same";
  cluster.ask(SubmitRequest{spec, {0, 0, 1}});
  EXPECT_EQ(cluster.take_reply().body, R"({"job":7})");
}

}  // namespace
}  // namespace bramble::aggregator::test
