#include "aggregator/store/job_query.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "unit/store/store_builders.hpp"

namespace bramble::aggregator {
namespace {

class JobQueryTest : public testing::Test {
 protected:
  void SetUp() override {
    store_ = open_jobs(dir_ / "jobs.db");
    ASSERT_NE(store_, nullptr);
    auto query = SqliteJobQuery::open(dir_ / "jobs.db");
    ASSERT_TRUE(query) << query.error().message;
    query_ = std::move(*query);
  }

  std::vector<JobId> ids(const JobFilter& filter) {
    const auto rows = query_->jobs(filter);
    EXPECT_TRUE(rows);
    std::vector<JobId> found;
    for (const auto& row : *rows) found.push_back(row.record.id);
    return found;
  }

  TempDir dir_;
  std::unique_ptr<SqliteJobStore> store_;
  std::unique_ptr<SqliteJobQuery> query_;
};

TEST_F(JobQueryTest, LastJobIsNotFoundBeforeThereIsOne) {
  EXPECT_EQ(query_->last_job().error().code, ErrorCode::not_found);
  commit(*store_, {AddJob{make_job(3)}, AddJob{make_job(9)}});
  EXPECT_EQ(query_->last_job().value(), 9u);
}

TEST_F(JobQueryTest, SelectsByRangeOwnerAndNewest) {
  JobRecord other = make_job(4);
  other.spec.owner = "bob";
  commit(*store_, {AddJob{make_job(1)}, AddJob{make_job(2)}, AddJob{make_job(3)}, AddJob{other}, AddJob{make_job(5)}});
  EXPECT_THAT(ids({}), testing::ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(ids({.ranges = {{2, 3}, {3, 4}}, .owner = "", .limit = 10}), testing::ElementsAre(2, 3, 4));
  EXPECT_THAT(ids({.ranges = {{5, ~JobId{0}}, {1, 1}}, .owner = "", .limit = 10}), testing::ElementsAre(1, 5));
  EXPECT_THAT(ids({.ranges = {}, .owner = "bob", .limit = 10}), testing::ElementsAre(4));
  EXPECT_THAT(ids({.ranges = {}, .owner = "", .limit = 2}), testing::ElementsAre(4, 5));
  EXPECT_THAT(ids({.ranges = {{4, 4}}, .owner = "ada", .limit = 2}), testing::IsEmpty());
}

TEST_F(JobQueryTest, SelectsByState) {
  JobRecord failed = make_job(2);
  failed.progress.state = JobState::failed;
  commit(*store_, {AddJob{make_job(1)}, AddJob{failed}, AddJob{make_job(3)}});
  EXPECT_THAT(ids({.ranges = {}, .owner = "", .limit = 10, .state = JobState::failed}), testing::ElementsAre(2));
  EXPECT_THAT(ids({.ranges = {{3, 9}}, .owner = "", .limit = 10, .state = JobState::failed}), testing::IsEmpty());
}

TEST_F(JobQueryTest, CountsTasksAtNodes) {
  commit(*store_, {AddJob{make_job(1)}, AddAttempt{make_attempt({1, 0, 1})}, AddAttempt{make_attempt({1, 1, 1})},
                   AddAttempt{make_attempt({1, 2, 1})}, StartAttempt{{1, 0, 1}, {5}},
                   PutTask{{1, 2}, TaskState::queued, 0, 0}});  // its attempt may yet come back
  const auto rows = query_->jobs({});
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ(rows->front().running, 1u);
  EXPECT_EQ(rows->front().assigned, 1u);
}

TEST_F(JobQueryTest, TaskHasItsAttempts) {
  commit(*store_,
         {AddJob{make_job(1)}, AddAttempt{make_attempt({1, 3, 1}, "pi1")}, EndAttempt{{1, 3, 1}, "node lost", {}, {8}},
          AddAttempt{make_attempt({1, 3, 2}, "pi2")}, StartAttempt{{1, 3, 2}, {6}},
          EndAttempt{{1, 3, 2}, "exited", make_result(3), {9}}, PutTask{{1, 3}, TaskState::failed, 1, 2}});
  const auto task = query_->task({1, 3});
  ASSERT_TRUE(task) << task.error().message;
  EXPECT_EQ(task->record.state, TaskState::failed);
  EXPECT_EQ(task->committed_attempt, 2u);
  ASSERT_EQ(task->attempts.size(), 2u);
  EXPECT_EQ(task->attempts[0].outcome, "node lost");
  EXPECT_FALSE(task->attempts[0].result);
  EXPECT_FALSE(task->attempts[0].committed);
  EXPECT_EQ(task->attempts[0].ended, WallTime{8});
  EXPECT_TRUE(task->attempts[1].committed);
  EXPECT_EQ(task->attempts[1].record.started, WallTime{6});
  EXPECT_EQ(task->attempts[1].result, make_result(3));
}

TEST_F(JobQueryTest, AddsUpWhatAllAttemptsOfAJobCost) {
  wire::Finished unknown = make_result();
  unknown.energy_j = unknown.energy_measured_j = 0;
  commit(*store_, {AddJob{make_job(1)}, AddJob{make_job(2)}, AddAttempt{make_attempt({1, 0, 1})},
                   EndAttempt{{1, 0, 1}, "superseded", make_result(), {8}}, AddAttempt{make_attempt({1, 0, 2})},
                   EndAttempt{{1, 0, 2}, "exited", make_result(), {8}}, AddAttempt{make_attempt({1, 1, 1})},
                   EndAttempt{{1, 1, 1}, "exited", unknown, {8}}, AddAttempt{make_attempt({2, 0, 1})},
                   EndAttempt{{2, 0, 1}, "exited", unknown, {8}}});
  const auto energy = query_->energy(1);
  ASSERT_TRUE(energy) << energy.error().message;
  EXPECT_DOUBLE_EQ(energy->energy_j, 2 * make_result().energy_j);
  EXPECT_DOUBLE_EQ(energy->energy_measured_j, 2 * make_result().energy_measured_j);
  EXPECT_EQ(query_->energy(2)->energy_j, 0);
  EXPECT_EQ(query_->energy(3)->energy_j, 0);
  // In SQL, what is not known is NULL.
  auto connection = sqlite::Connection::open(dir_ / "jobs.db", sqlite::OpenMode::read_only, 0);
  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->integer("SELECT count(*) FROM attempts WHERE energy_j IS NULL").value(), 2);
  EXPECT_EQ(connection->integer("SELECT energy_j > 6 FROM jobs WHERE job = 1").value(), 1);
  EXPECT_EQ(connection->integer("SELECT energy_j IS NULL FROM jobs WHERE job = 2").value(), 1);
  EXPECT_EQ(connection->integer("SELECT energy_measured_j = 1 FROM tasks WHERE job = 1 AND task = 0").value(), 1);
}

TEST_F(JobQueryTest, ListsTouchedTasksInPages) {
  Writes writes{AddJob{make_job(1)}, AddJob{make_job(2)}, AddAttempt{make_attempt({2, 0, 1})}};
  for (const TaskIndex task : {7u, 1u, 4u}) writes.push_back(AddAttempt{make_attempt({1, task, 1})});
  commit(*store_, writes);
  const auto page = query_->tasks(1, 1, 2);
  ASSERT_EQ(page->size(), 2u);
  EXPECT_EQ(page->at(0).record.key.task, 1u);
  EXPECT_EQ(page->at(1).record.key.task, 4u);
  EXPECT_EQ(page->at(1).attempts.size(), 1u);
  EXPECT_EQ(query_->tasks(1, 5, 2)->size(), 1u);
  EXPECT_TRUE(query_->tasks(3, 0, 2)->empty());
}

TEST_F(JobQueryTest, UntouchedTaskIsNotFound) {
  commit(*store_, {AddJob{make_job(1)}, AddAttempt{make_attempt({1, 3, 1})}});
  EXPECT_EQ(query_->task({1, 2}).error().code, ErrorCode::not_found);
  EXPECT_EQ(query_->task({2, 2}).error().code, ErrorCode::not_found);
}

TEST_F(JobQueryTest, OutputIsThereFromTheCommitOn) {
  const std::string bytes("a\0b\xFF", 4);
  commit(*store_, {AddJob{make_job(1)}, AddAttempt{make_attempt({1, 3, 1})}});
  EXPECT_EQ(query_->output({1, 3}, wire::Stream::stdout_).error().code, ErrorCode::not_found);
  commit(*store_, {PutOutput{{1, 3, 1}, wire::Stream::stdout_, 4, 7, false, bytes},
                   PutTask{{1, 3}, TaskState::succeeded, 0, 1}});
  const auto output = query_->output({1, 3}, wire::Stream::stdout_);
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->attempt, 1u);
  EXPECT_EQ(output->size_bytes, 4u);
  EXPECT_EQ(output->dropped_bytes, 7u);
  EXPECT_FALSE(output->in_file);
  EXPECT_EQ(output->data, bytes);
}

TEST_F(JobQueryTest, CommittedTaskThatWroteNothingHasEmptyOutput) {
  Writes writes = task_life({1, 3});
  writes.push_back(AddJob{make_job(1)});
  commit(*store_, writes);
  const auto output = query_->output({1, 3}, wire::Stream::stderr_);
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(output->attempt, 1u);
  EXPECT_EQ(output->size_bytes, 0u);
  EXPECT_FALSE(output->in_file);
}

TEST_F(JobQueryTest, OutputInAFileSaysSo) {
  commit(*store_,
         {PutOutput{{1, 3, 2}, wire::Stream::stderr_, 1 << 20, 0, true, ""}, PutTask{{1, 3}, TaskState::failed, 1, 2}});
  const auto output = query_->output({1, 3}, wire::Stream::stderr_);
  EXPECT_TRUE(output->in_file);
  EXPECT_EQ(output->attempt, 2u);
  EXPECT_EQ(output->data, "");
}

TEST_F(JobQueryTest, ManyThreadsAskWhileTheStoreCommits) {
  commit(*store_, {AddJob{make_job(1, 999)}});
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([this] {
      for (int round = 0; round < 20; ++round) EXPECT_TRUE(query_->tasks(1, 0, 100));
    });
  }
  for (TaskIndex task = 0; task < 50; ++task) commit(*store_, task_life({1, task}));
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(query_->tasks(1, 0, 100)->size(), 50u);
}

}  // namespace
}  // namespace bramble::aggregator
