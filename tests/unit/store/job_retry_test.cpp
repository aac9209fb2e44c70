// What a retry reads, what it writes, and which jobs are old.
#include <gmock/gmock.h>

#include "aggregator/store/job_query.hpp"
#include "unit/store/store_builders.hpp"

namespace bramble::aggregator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class JobRetry : public testing::Test {
 protected:
  JobRetry() : store_(open_jobs(dir_ / "jobs.db")), query_(std::move(*SqliteJobQuery::open(dir_ / "jobs.db"))) {}

  // A job of tasks 5, 7, 9 ... of which the first three have succeeded, failed and been cancelled.
  void add_job() {
    JobRecord job = make_job(1);
    job.progress.range = {5, 99, 2};
    Writes writes{AddJob{job}};
    for (const TaskIndex task : {5U, 7U, 9U}) {
      for (auto& write : task_life({1, task})) writes.push_back(std::move(write));
      std::get<PutOutput>(writes.back()).in_file = task == 7;
    }
    writes.push_back(PutTask{{1, 7}, TaskState::failed, 2, 1});
    writes.push_back(PutTask{{1, 9}, TaskState::cancelled, 0, 1});
    job.progress.state = JobState::cancelled;
    job.progress.ended = {1000};
    job.progress.retried = 3;
    writes.push_back(PutProgress{1, job.progress});
    commit(*store_, writes);
  }

  void add_ended(JobId id, int64_t ended_ms) {
    JobRecord job = make_job(id);
    job.progress.state = JobState::succeeded;
    job.progress.ended = {ended_ms};
    commit(*store_, {AddJob{job}});
  }

  TempDir dir_;
  std::unique_ptr<SqliteJobStore> store_;
  std::unique_ptr<SqliteJobQuery> query_;
};

TEST_F(JobRetry, ReadsTheJobWithWhatDidNotSucceed) {
  add_job();
  const auto plan = query_->retry_plan(1, false, 100).value();
  EXPECT_EQ(plan.job.progress.retried, 3U);
  EXPECT_EQ(plan.touched, 3U);
  ASSERT_THAT(plan.tasks, SizeIs(2));
  EXPECT_EQ(plan.tasks[0].key, (TaskKey{1, 7}));
  EXPECT_EQ(plan.tasks[0].attempts, 1U);
  EXPECT_THAT(plan.output_files, ElementsAre(AttemptKey{1, 7, 1}));
  EXPECT_THAT(query_->retry_plan(1, true, 100).value().tasks, SizeIs(3));
  EXPECT_THAT(query_->retry_plan(1, true, 2).value().tasks, SizeIs(2));
  EXPECT_EQ(query_->retry_plan(9, true, 2).error().code, ErrorCode::not_found);
}

TEST_F(JobRetry, RetriedTasksAreQueuedAndHaveNoOutput) {
  add_job();
  JobProgress progress = query_->retry_plan(1, false, 100).value().job.progress;
  progress.state = JobState::running;
  commit(*store_, {RetryTasks{1, {7, 9}}, PutProgress{1, progress}, AddAttempt{make_attempt({1, 7, 2})}});
  const auto rows = query_->tasks(1, 0, 100).value();
  ASSERT_THAT(rows, SizeIs(3));
  EXPECT_EQ(rows[0].record.state, TaskState::succeeded) << "its result stays";
  EXPECT_EQ(rows[1].record.state, TaskState::assigned) << "assigned in the same batch";
  EXPECT_EQ(rows[1].record.attempts, 2U);
  EXPECT_EQ(rows[1].record.failures, 0U);
  EXPECT_EQ(rows[2].record.state, TaskState::queued);
  EXPECT_EQ(rows[2].committed_attempt, 0U);
  EXPECT_FALSE(query_->output({1, 9}, wire::Stream::stdout_));
  EXPECT_TRUE(query_->output({1, 5}, wire::Stream::stdout_));
  const LoadedState state = load(*store_);
  ASSERT_THAT(state.open_jobs, SizeIs(1)) << "open again after a restart, too";
  EXPECT_THAT(state.open_tasks, SizeIs(2));
}

TEST_F(JobRetry, OldJobsAreFoundByAgeAndByNumber) {
  for (JobId id = 1; id <= 5; ++id) add_ended(id, static_cast<int64_t>(10 * id));
  commit(*store_, {AddJob{make_job(6)}});
  EXPECT_THAT(query_->expired_jobs(WallTime{30}, 0, 100).value(), ElementsAre(1, 2));
  EXPECT_THAT(query_->expired_jobs({}, 3, 100).value(), ElementsAre(1, 2));
  EXPECT_THAT(query_->expired_jobs(WallTime{40}, 4, 100).value(), ElementsAre(1, 2, 3));
  EXPECT_THAT(query_->expired_jobs(WallTime{99}, 0, 2).value(), ElementsAre(1, 2)) << "the oldest first";
  EXPECT_THAT(query_->expired_jobs({}, 0, 100).value(), IsEmpty());
  commit(*store_, {ForgetJob{1}});
  EXPECT_THAT(query_->expired_jobs({}, 3, 100).value(), ElementsAre(2));
}

}  // namespace
}  // namespace bramble::aggregator
