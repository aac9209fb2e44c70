// Every kind of write, and what is loaded after the store was opened again.
#include <gmock/gmock.h>

#include "unit/store/store_builders.hpp"

namespace bramble::aggregator {
namespace {

class JobCommit : public testing::Test {
 protected:
  void reopen() {
    store_.reset();
    store_ = open_jobs(dir_ / "jobs.db");
    ASSERT_NE(store_, nullptr);
  }
  // The reopened store's state, after these writes in one batch.
  LoadedState after(const Writes& writes) {
    if (!store_) reopen();
    commit(*store_, writes);
    reopen();
    return load(*store_);
  }

  TempDir dir_;
  std::unique_ptr<SqliteJobStore> store_;
};

TEST_F(JobCommit, FreshStoreHasAUuidAndNothingElse) {
  reopen();
  const LoadedState state = load(*store_);
  EXPECT_TRUE(is_uuid(state.store)) << state.store;
  EXPECT_EQ(state.term, 1u);
  EXPECT_EQ(state.last_session, 0u);
  EXPECT_EQ(state.last_job, 0u);
  EXPECT_TRUE(state.open_jobs.empty() && state.open_tasks.empty() && state.open_attempts.empty());
}

TEST_F(JobCommit, EachOpenCountsTheTermUpAndKeepsTheStore) {
  reopen();
  const StoreId store = load(*store_).store;
  reopen();
  reopen();
  EXPECT_EQ(load(*store_).term, 3u);
  EXPECT_EQ(load(*store_).store, store);
}

TEST_F(JobCommit, SessionIsKept) { EXPECT_EQ(after({PutSession{41}, PutSession{42}}).last_session, 42u); }

TEST_F(JobCommit, NodeIsKeptAsLastPut) {
  NodeRecord node;
  node.status = {true, "pi1", "agent", "machine",        "boot",       9,
                 "",   1,     "0.1",   "Raspberry Pi 4", "aarch64",    "",
                 0,    0,     4,       4'000'000'000,    {{"gpu", 1}}, {{"room", "\xC3\xA9t\xC3\xA9"}}};
  node.first_seen = {5};
  node.last_seen = {6};
  node.agent_session = 3;
  node.boot_session = 9;
  NodeRecord drained = node;
  drained.drained = true;
  drained.drain_reason = "new fan";
  drained.status.containment.memory = wire::Enforcement::kernel;
  drained.status.containment.no_sandbox = "bubblewrap is not installed";
  drained.power = wire::PowerModel{2.7, 6.4};
  const LoadedState state = after({PutNode{node}, PutNode{drained}});
  ASSERT_EQ(state.nodes.size(), 1u);
  EXPECT_EQ(state.nodes[0].status, drained.status);
  EXPECT_EQ(state.nodes[0].first_seen, WallTime{5});
  EXPECT_EQ(state.nodes[0].last_seen, WallTime{6});
  EXPECT_EQ(state.nodes[0].agent_session, 3U);
  EXPECT_EQ(state.nodes[0].boot_session, 9U);
  EXPECT_TRUE(state.nodes[0].drained);
  EXPECT_EQ(state.nodes[0].drain_reason, "new fan");
  EXPECT_EQ(state.nodes[0].power, (wire::PowerModel{2.7, 6.4}));
}

TEST_F(JobCommit, JobIsLoadedAsItWasSubmitted) {
  JobRecord job = make_job(12);
  job.spec.priority = -3;
  job.spec.retries = 2;
  job.spec.max_running = 8;
  job.spec.on_node_loss = NodeLossPolicy::fence;
  job.spec.per_task_input = true;
  job.spec.stdin_blob = wire::BlobRef{std::string(64, 'a'), 77};
  job.spec.task.env = {{"B", "2"}, {"A", "one \"1\""}};
  job.spec.task.resources = {{"gpu", 1}};
  job.spec.task.cpus = 2;
  job.spec.task.memory_bytes = 1 << 20;
  job.spec.task.time_limit_ms = 60'000;
  job.spec.task.lease_ms = 20'000;
  job.spec.crash_limit = 7;
  job.spec.task.isolate = wire::Isolation::sandbox;
  job.spec.task.network = true;
  job.spec.task.calls = wire::CallRules{250, 9'000, 3};
  job.spec.task.files = {{"tool", {std::string(64, 'f'), 9}},
                         {"\"odd\" name", {std::string(64, 'e'), UINT64_MAX >> 1}}};
  job.spec.where = parse_constraints("pi[01-04]", "aarch64").value();
  const LoadedState state = after({AddJob{job}});
  ASSERT_EQ(state.open_jobs.size(), 1u);
  EXPECT_EQ(state.open_jobs[0].id, 12u);
  EXPECT_EQ(state.open_jobs[0].spec, job.spec);
  EXPECT_EQ(state.open_jobs[0].spec.where.nodes, job.spec.where.nodes);
  EXPECT_EQ(state.open_jobs[0].progress, job.progress);
  EXPECT_EQ(state.open_jobs[0].submitted, job.submitted);
  EXPECT_EQ(state.last_job, 12u);
  EXPECT_TRUE(state.open_tasks.empty());  // an array's untouched tasks have no rows
}

TEST_F(JobCommit, ProgressIsKeptAndAFinalJobIsNotLoaded) {
  JobRecord job = make_job(1);
  JobProgress running = job.progress;
  running.state = JobState::running;
  running.next_position = 4;
  running.cancel_requested = true;
  running.counts.failed = 1;
  running.checkpoint = {std::string(64, 'f'), 9};
  EXPECT_EQ(after({AddJob{job}, PutProgress{1, running}}).open_jobs.at(0).progress, running);
  running.state = JobState::cancelled;
  running.ended = {1'700'000'009'000};
  const LoadedState state = after({PutProgress{1, running}});
  EXPECT_TRUE(state.open_jobs.empty());
  EXPECT_EQ(state.last_job, 1u);
}

TEST_F(JobCommit, AppendedTasksHaveRowsWithTheirInput) {
  const std::vector<wire::InputFile> files{{"own", {std::string(64, 'd'), 7}}};
  const Writes writes{AddJob{make_job(1)},
                      AddTasks{1, 4, {{{std::string(64, 'b'), 5}}, {{std::string(64, 'c'), 6}, files}}}};
  const LoadedState state = after(writes);
  ASSERT_EQ(state.open_tasks.size(), 2u);
  EXPECT_EQ(state.open_tasks[1].key, (TaskKey{1, 5}));
  EXPECT_EQ(state.open_tasks[1].state, TaskState::queued);
  EXPECT_EQ(state.open_tasks[1].stdin_blob, (wire::BlobRef{std::string(64, 'c'), 6}));
  EXPECT_TRUE(state.open_tasks[0].files.empty());
  EXPECT_EQ(state.open_tasks[1].files, files);
}

TEST_F(JobCommit, AppendingATaskTwiceChangesNothing) {
  after({AddJob{make_job(1)}, AddTasks{1, 0, {{{std::string(64, 'b'), 5}}}}, AddAttempt{make_attempt({1, 0, 1})}});
  const LoadedState state = after({AddTasks{1, 0, {{{std::string(64, 'c'), 6}}}}});
  ASSERT_EQ(state.open_tasks.size(), 1u);
  EXPECT_EQ(state.open_tasks[0].state, TaskState::assigned);
  EXPECT_EQ(state.open_tasks[0].stdin_blob->size_bytes, 5u);
}

TEST_F(JobCommit, AttemptMakesTheTasksRow) {
  const LoadedState state = after({AddJob{make_job(1)}, AddAttempt{make_attempt({1, 3, 2}, "pi7")}});
  ASSERT_EQ(state.open_tasks.size(), 1u);
  EXPECT_EQ(state.open_tasks[0].key, (TaskKey{1, 3}));
  EXPECT_EQ(state.open_tasks[0].state, TaskState::assigned);
  EXPECT_EQ(state.open_tasks[0].attempts, 2u);
  ASSERT_EQ(state.open_attempts.size(), 1u);
  EXPECT_EQ(state.open_attempts[0].node, "pi7");
  EXPECT_EQ(state.open_attempts[0].session, 7u);
  EXPECT_EQ(state.open_attempts[0].assigned, WallTime{1'700'000'001'000});
  EXPECT_FALSE(state.open_attempts[0].started);
}

TEST_F(JobCommit, StartedAttemptRuns) {
  after({AddJob{make_job(1)}, AddAttempt{make_attempt({1, 3, 1})}});
  const LoadedState state = after({StartAttempt{{1, 3, 1}, {1'700'000'002'000}}});
  EXPECT_EQ(state.open_tasks.at(0).state, TaskState::running);
  EXPECT_EQ(state.open_attempts.at(0).started, WallTime{1'700'000'002'000});
}

TEST_F(JobCommit, EndedAttemptIsNotOpenAndItsTaskIsQueuedAgain) {
  after({AddJob{make_job(1)}, AddAttempt{make_attempt({1, 3, 1})}});
  const LoadedState state =
      after({EndAttempt{{1, 3, 1}, "node lost", {}, {9}}, PutTask{{1, 3}, TaskState::queued, 1, 0}});
  EXPECT_TRUE(state.open_attempts.empty());
  EXPECT_EQ(state.open_tasks.at(0).state, TaskState::queued);
  EXPECT_EQ(state.open_tasks.at(0).attempts, 1u);
  EXPECT_EQ(state.open_tasks.at(0).failures, 1u);
}

TEST_F(JobCommit, FailuresSurviveTheNextAttempt) {
  after({AddJob{make_job(1)}, AddAttempt{make_attempt({1, 3, 1})}, PutTask{{1, 3}, TaskState::queued, 2, 0}});
  EXPECT_EQ(after({AddAttempt{make_attempt({1, 3, 2})}}).open_tasks.at(0).failures, 2u);
}

TEST_F(JobCommit, FinishedTaskOfAnOpenJobIsNotLoaded) {
  Writes writes = task_life({1, 3});
  writes.insert(writes.begin(), AddJob{make_job(1)});
  const LoadedState state = after(writes);
  EXPECT_EQ(state.open_jobs.size(), 1u);
  EXPECT_TRUE(state.open_tasks.empty());
  EXPECT_TRUE(state.open_attempts.empty());
}

TEST_F(JobCommit, OpenAttemptOfAFinalJobIsLoaded) {
  JobRecord job = make_job(1);
  job.progress.state = JobState::failed;
  const LoadedState state = after({AddJob{job}, AddAttempt{make_attempt({1, 0, 1})}});
  EXPECT_TRUE(state.open_jobs.empty());
  EXPECT_TRUE(state.open_tasks.empty());
  EXPECT_EQ(state.open_attempts.size(), 1u);
}

TEST_F(JobCommit, FailedBatchChangesNothing) {
  after({AddJob{make_job(1)}, AddAttempt{make_attempt({1, 0, 1})}});
  const Status status = store_->commit(Writes{PutSession{99}, AddJob{make_job(2)}, AddJob{make_job(1)}});
  ASSERT_FALSE(status);
  const LoadedState state = load(*store_);
  EXPECT_EQ(state.last_session, 0u);
  EXPECT_EQ(state.last_job, 1u);
  EXPECT_EQ(after({PutSession{5}}).last_session, 5u);
}

// As after kill -9 or a power cut: the files as they are while the store is open, without a regular end.
TEST_F(JobCommit, CommittedWritesAreInTheFilesBeforeTheStoreIsClosed) {
  reopen();
  commit(*store_, {AddJob{make_job(1)}, AddAttempt{make_attempt({1, 0, 1})}});
  const TempDir copy;
  std::filesystem::copy(dir_.path(), copy.path(), std::filesystem::copy_options::recursive);
  std::filesystem::remove(copy / "jobs.db-shm");
  const auto store = open_jobs(copy / "jobs.db");
  ASSERT_NE(store, nullptr);
  const LoadedState state = load(*store);
  EXPECT_EQ(state.term, 2u);
  EXPECT_EQ(state.open_jobs.size(), 1u);
  EXPECT_EQ(state.open_attempts.size(), 1u);
}

// A log whose end did not reach the disk: the last commit is not there, the earlier ones are whole.
TEST_F(JobCommit, TornLogLosesOnlyWhatWasNotCommitted) {
  reopen();
  commit(*store_, {AddJob{make_job(1)}});
  const auto whole = std::filesystem::file_size(dir_ / "jobs.db-wal");
  commit(*store_, {AddJob{make_job(2)}});
  const TempDir copy;
  std::filesystem::copy(dir_.path(), copy.path(), std::filesystem::copy_options::recursive);
  std::filesystem::remove(copy / "jobs.db-shm");
  std::filesystem::resize_file(copy / "jobs.db-wal", whole + 100);
  const auto store = open_jobs(copy / "jobs.db");
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(load(*store).last_job, 1u);
}

}  // namespace
}  // namespace bramble::aggregator
