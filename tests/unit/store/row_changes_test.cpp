#include <gmock/gmock.h>

#include "aggregator/store/job_writes.hpp"
#include "unit/store/store_builders.hpp"

namespace bramble::aggregator {
namespace {

TEST(RowChanges, TakesTheLifeOfATaskTogether) {
  const Writes writes = task_life({1, 5});
  const RowChanges changes(writes);
  ASSERT_EQ(changes.tasks.size(), 1u);
  EXPECT_EQ(changes.tasks[0].state, TaskState::succeeded);
  EXPECT_EQ(changes.tasks[0].attempts, 1u);
  EXPECT_EQ(changes.tasks[0].committed_attempt, 1u);
  ASSERT_EQ(changes.attempts.size(), 1u);
  EXPECT_NE(changes.attempts[0].added, nullptr);
  EXPECT_NE(changes.attempts[0].ended, nullptr);
  EXPECT_EQ(changes.attempts[0].started_ms, 1'700'000'002'000);
}

TEST(RowChanges, LastWriteOfATaskWins) {
  const Writes writes{PutTask{{1, 0}, TaskState::queued, 2, 0}, AddAttempt{make_attempt({1, 0, 3})},
                      PutTask{{1, 0}, TaskState::queued, 3, 0}, AddAttempt{make_attempt({1, 0, 4})}};
  const RowChanges changes(writes);
  ASSERT_EQ(changes.tasks.size(), 1u);
  EXPECT_EQ(changes.tasks[0].state, TaskState::assigned);
  EXPECT_EQ(changes.tasks[0].attempts, 4u);
  EXPECT_EQ(changes.tasks[0].failures, 3u);
  EXPECT_FALSE(changes.tasks[0].committed_attempt);
  EXPECT_EQ(changes.attempts.size(), 2u);
}

TEST(RowChanges, KeepsTheLastProgressOfEachJob) {
  JobProgress first;
  JobProgress second;
  second.counts.succeeded = 2;
  const Writes writes{PutProgress{1, first}, PutProgress{2, first}, PutProgress{1, second}};
  const RowChanges changes(writes);
  ASSERT_EQ(changes.progress.size(), 2u);
  EXPECT_EQ(changes.progress[0]->job, 1u);
  EXPECT_EQ(changes.progress[0]->progress.counts.succeeded, 2u);
}

}  // namespace
}  // namespace bramble::aggregator
