#include <gmock/gmock.h>

#include "support/reactor_harness.hpp"

namespace bramble::aggregator::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Retry : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster.connect();
    cluster.pass(3000);
    cluster.join("pi1", 1);
  }

  void TearDown() override { cluster.drop_messages(); }

  // The job's progress as the store has it: what the reactor wrote last.
  JobProgress stored(JobId job) {
    JobProgress progress;
    for (const auto& write : cluster.writes_of<PutProgress>()) {
      if (write.job == job) progress = write.progress;
    }
    return progress;
  }

  // What the HTTP adapter would read of a job whose touched tasks have all ended in this way.
  RetryPlan plan(JobId job, JobSpec spec, TaskState state, std::vector<TaskIndex> tasks, uint64_t touched) {
    RetryPlan plan;
    plan.job = {job, std::move(spec), stored(job), {}};
    for (const TaskIndex task : tasks) plan.tasks.push_back({{job, task}, state, 1, 1, plan.job.spec.stdin_blob});
    if (!plan.job.spec.per_task_input) {
      for (auto& task : plan.tasks) task.stdin_blob.reset();
    }
    plan.touched = touched;
    return plan;
  }

  JobId failed_job(const JobSpec& spec = make_spec()) {
    const JobId job = cluster.submit({0, 0, 1}, spec);
    cluster.event("pi1", Harness::finished({job, 0, 1}, 7));
    cluster.drop_messages();
    cluster.take_files();
    return job;
  }

  static JobSpec make_spec() {
    JobSpec spec;
    spec.owner = "ada";
    spec.task.argv = {"true"};
    return spec;
  }

  ApiReply retry(RetryPlan plan) {
    RetryRequest request;
    request.plans.push_back(std::move(plan));
    cluster.ask(std::move(request));
    return cluster.take_reply();
  }

  Harness cluster;
};

TEST_F(Retry, TasksWhoseInputsAreMoreThanOpenTasksMayNameAreRefused) {
  const JobId job = failed_job();
  RetryPlan wanted = plan(job, make_spec(), TaskState::failed, {0}, 1);
  wanted.tasks[0].stdin_blob = cluster.upload('a', 5);
  cluster.state().config.max_open_inputs = 0;
  const ApiReply refused = retry(wanted);
  EXPECT_EQ(refused.http_status, 503);
  EXPECT_THAT(refused.body, HasSubstr("wait until some have ended"));
  cluster.state().config.max_open_inputs = 1;
  EXPECT_EQ(retry(wanted).http_status, 200);
  EXPECT_EQ(cluster.state().open_inputs, 1U);
}

TEST_F(Retry, AFailedTaskRunsAgainWithANewAttempt) {
  const JobId job = failed_job();
  RetryPlan wanted = plan(job, make_spec(), TaskState::failed, {0}, 1);
  wanted.output_files = {{job, 0, 1}};
  EXPECT_EQ(retry(wanted).body, R"({"retried":[{"job":1,"tasks":1}]})");
  EXPECT_EQ(cluster.writes_of<RetryTasks>().at(0).tasks, std::vector<TaskIndex>{0});
  const auto files = cluster.take_files();
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(std::get<RemoveOutput>(files[0]).key, (AttemptKey{job, 0, 1}));
  const auto message = cluster.take("pi1");
  ASSERT_THAT(message.launch, SizeIs(1));
  EXPECT_EQ(message.launch[0].id, (AttemptKey{job, 0, 2}));
  cluster.event("pi1", Harness::finished({job, 0, 2}, 0));
  cluster.take_files();
  EXPECT_EQ(stored(job).state, JobState::succeeded);
  EXPECT_EQ(stored(job).counts, (TaskCounts{1, 1, 0, 0}));
  EXPECT_EQ(stored(job).retried, 1U);
}

TEST_F(Retry, TasksThatWereNeverAssignedCostNothing) {
  cluster.ask(DrainRequest{{"pi1"}, true, ""}, {"root", true});
  cluster.take_reply();
  const JobId job = cluster.submit({0, 999'999, 1}, make_spec());
  cluster.ask(CancelRequest{{job}});
  cluster.take_reply();
  ASSERT_EQ(stored(job).counts.cancelled, 1'000'000U);
  EXPECT_THAT(retry(plan(job, make_spec(), TaskState::cancelled, {}, 0)).body, HasSubstr("1000000"));
  EXPECT_THAT(cluster.state().tasks, IsEmpty());
  EXPECT_THAT(cluster.writes_of<RetryTasks>().at(0).tasks, IsEmpty());
  const Job& open = cluster.state().jobs.at(job);
  EXPECT_EQ(open.ready(), 1'000'000U);
  EXPECT_EQ(open.record.progress.counts, (TaskCounts{1'000'000, 0, 0, 0}));
  EXPECT_FALSE(open.record.progress.cancel_requested);
}

TEST_F(Retry, OfAnOpenJobOnlyWhatFailed) {
  const JobId job = cluster.submit({0, 9, 1}, make_spec());
  cluster.event("pi1", Harness::finished({job, 0, 1}, 7));
  cluster.take_files();
  const auto before = cluster.state().jobs.at(job).record.progress;
  ASSERT_EQ(before.counts.failed, 1U);
  EXPECT_EQ(retry(plan(job, make_spec(), TaskState::failed, {0}, before.next_position)).http_status, 200);
  EXPECT_EQ(cluster.state().jobs.at(job).record.progress.counts.failed, 0U);
  EXPECT_TRUE(cluster.state().tasks.contains({job, 0}));
}

TEST_F(Retry, AnOldReadingIsRefused) {
  const JobId job = failed_job();
  const RetryPlan wanted = plan(job, make_spec(), TaskState::failed, {0}, 1);
  EXPECT_EQ(retry(wanted).http_status, 200);
  EXPECT_EQ(retry(wanted).http_status, 409) << "open again: its task must not be queued twice";
  cluster.event("pi1", Harness::finished({job, 0, 2}, 7));
  cluster.take_files();
  EXPECT_EQ(retry(wanted).http_status, 409) << "ended again: its attempts are more than were read";
}

TEST_F(Retry, AJobThatIsBeingCancelledOrForgottenIsRefused) {
  const JobId cancelled = cluster.submit({0, 0, 1}, make_spec());
  cluster.ask(CancelRequest{{cancelled}});
  cluster.take_reply();
  EXPECT_THAT(retry(plan(cancelled, make_spec(), TaskState::failed, {5}, 1)).body, HasSubstr("is being cancelled"));
  cluster.event("pi1", Harness::finished({cancelled, 0, 1}, 0));
  cluster.take_files();
  cluster.drop_messages();
  const JobId forgotten = failed_job();
  const RetryPlan wanted = plan(forgotten, make_spec(), TaskState::failed, {0}, 1);
  cluster.ask(ForgetRequest{{forgotten}});
  cluster.take_reply();
  EXPECT_EQ(retry(wanted).http_status, 404);
}

TEST_F(Retry, TheInputIsKeptUntilTheTaskSucceeds) {
  JobSpec spec = make_spec();
  spec.stdin_blob = cluster.upload('a', 5);
  spec.task.files = {{"model", *spec.stdin_blob}};
  const JobId job = failed_job(spec);
  cluster.pass(150'000, {"pi1"});
  EXPECT_THAT(cluster.take_files(), IsEmpty()) << "nothing sweeps it away";
  EXPECT_EQ(retry(plan(job, spec, TaskState::failed, {0}, 1)).http_status, 200);
  EXPECT_EQ(cluster.take("pi1").launch.at(0).stdin_blob, spec.stdin_blob);
  cluster.event("pi1", Harness::finished({job, 0, 2}, 0));
  const auto files = cluster.take_files();
  ASSERT_FALSE(files.empty());
  EXPECT_EQ(std::get<RemoveBlob>(files.back()).sha256, spec.stdin_blob->sha256);
  const ApiReply reply = retry(plan(job, spec, TaskState::succeeded, {0}, 1));
  EXPECT_EQ(reply.http_status, 409);
  EXPECT_THAT(reply.body, HasSubstr("the input of job 1 was removed when it had succeeded: submit it again"));
}

TEST_F(Retry, ManyTasksAtOnceAreRefusedInOneSentence) {
  const JobId job = failed_job();
  RetryPlan wanted = plan(job, make_spec(), TaskState::failed, {}, 1);
  for (TaskIndex task = 0; task <= kMaxRetriedTasks; ++task) {
    wanted.tasks.push_back({{job, task}, TaskState::failed, 1, 1, {}});
  }
  const ApiReply reply = retry(wanted);
  EXPECT_EQ(reply.http_status, 400);
  EXPECT_THAT(reply.body, HasSubstr("more than 100000 tasks"));
}

TEST_F(Retry, NothingToRetryIsNoError) {
  const JobId job = cluster.submit({0, 0, 1}, make_spec());
  cluster.event("pi1", Harness::finished({job, 0, 1}, 0));
  cluster.take_files();
  EXPECT_EQ(retry(plan(job, make_spec(), TaskState::failed, {}, 1)).body, R"({"retried":[]})");
  EXPECT_FALSE(cluster.state().jobs.contains(job));
}

}  // namespace
}  // namespace bramble::aggregator::test
