// Forgetting: what is not shown any more, what goes with each step, and what stays.
#include <gmock/gmock.h>

#include "aggregator/store/job_query.hpp"
#include "unit/store/store_builders.hpp"

namespace bramble::aggregator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class JobRemoval : public testing::Test {
 protected:
  void SetUp() override {
    store_ = open_jobs(dir_ / "jobs.db");
    query_ = std::move(*SqliteJobQuery::open(dir_ / "jobs.db"));
  }

  // A job that has ended, each of its tasks with one attempt and its output in a file.
  void add_ended(JobId id, TaskIndex tasks, JobState state = JobState::succeeded) {
    JobRecord job = make_job(id, tasks - 1);
    Writes writes{AddJob{job}};
    for (TaskIndex task = 0; task < tasks; ++task) {
      for (auto& write : task_life({id, task})) writes.push_back(std::move(write));
      std::get<PutOutput>(writes.back()).in_file = true;
    }
    job.progress.state = state;
    job.progress.ended = {1'700'000'009'000};
    writes.push_back(PutProgress{id, job.progress});
    commit(*store_, writes);
  }

  std::vector<JobId> shown() {
    std::vector<JobId> ids;
    const auto rows = query_->jobs({});
    for (const auto& row : rows.value()) ids.push_back(row.record.id);
    return ids;
  }

  void reopen() {
    query_.reset();
    store_.reset();
    SetUp();
  }

  TempDir dir_;
  std::unique_ptr<SqliteJobStore> store_;
  std::unique_ptr<SqliteJobQuery> query_;
};

TEST_F(JobRemoval, AForgottenJobIsShownNoMore) {
  add_ended(1, 1);
  add_ended(2, 1);
  commit(*store_, {ForgetJob{2}});
  EXPECT_THAT(shown(), ElementsAre(1));
  EXPECT_EQ(query_->last_job().value(), 1U);
  EXPECT_FALSE(query_->output({2, 0}, wire::Stream::stdout_));
  EXPECT_TRUE(query_->output({1, 0}, wire::Stream::stdout_));
  EXPECT_THAT(load(*store_).forgotten_jobs, ElementsAre(2));
}

TEST_F(JobRemoval, AnOpenJobIsNotForgotten) {
  commit(*store_, {AddJob{make_job(1)}, ForgetJob{1}});
  EXPECT_THAT(shown(), ElementsAre(1));
}

TEST_F(JobRemoval, GoesInStepsOfAboutSoManyRowsAndThenTheJob) {
  add_ended(1, 10);
  add_ended(2, 1);
  commit(*store_, {ForgetJob{1}});
  const std::vector<JobId> jobs{1};
  size_t steps = 0;
  std::vector<AttemptKey> files;
  for (bool whole = false; !whole; ++steps) {
    ASSERT_LT(steps, 20U);
    const auto rows = query_->forgotten_rows(jobs, 12).value();
    ASSERT_EQ(rows.size(), 1U);
    ASSERT_TRUE(rows[0].through);
    whole = rows[0].whole;
    files.insert(files.end(), rows[0].output_files.begin(), rows[0].output_files.end());
    commit(*store_, {RemoveTasks{1, *rows[0].through}});
    if (whole) commit(*store_, {RemoveJob{1}});
    reopen();  // as after a crash
  }
  EXPECT_EQ(steps, 4U) << "three tasks of four rows each";
  EXPECT_EQ(files.size(), 10U);
  EXPECT_EQ(files[9], (AttemptKey{1, 9, 1}));
  EXPECT_THAT(load(*store_).forgotten_jobs, IsEmpty());
  EXPECT_THAT(query_->tasks(1, 0, 100).value(), IsEmpty());
  EXPECT_EQ(query_->tasks(2, 0, 100).value().size(), 1U) << "others stay";
}

TEST_F(JobRemoval, EnergyOfForgottenJobsIsKeptByTheHourForAsLongAsSaid) {
  constexpr int64_t kHourMs = 3'600'000;
  store_ = std::move(*SqliteJobStore::open(dir_ / "jobs.db", 10 * kHourMs));
  auto reader = std::move(*sqlite::Connection::open(dir_ / "jobs.db", sqlite::OpenMode::read_only, 1000));
  const auto millijoules = [&] { return reader.integer("SELECT sum(energy_mj) FROM forgotten_energy_raw").value(); };
  const auto hours = [&] { return reader.integer("SELECT count(*) FROM forgotten_energy_raw").value(); };
  for (const JobId id : {1, 2, 3}) {
    const int64_t later_ms = id == 3 ? 11 * kHourMs : 0;
    commit(*store_,
           {AddJob{make_job(id, 1)}, AddAttempt{make_attempt({id, 0, 1})}, AddAttempt{make_attempt({id, 1, 1})},
            EndAttempt{{id, 0, 1}, "exited", make_result(), {1'700'000'004'000 + later_ms}},
            EndAttempt{{id, 1, 1}, "node lost", {}, {1'700'000'005'000 + later_ms}}});
  }
  commit(*store_, {RemoveTasks{1, 0}, RemoveTasks{1, 9}, RemoveJob{1}, RemoveTasks{2, 9}});
  EXPECT_EQ(hours(), 1);
  EXPECT_EQ(millijoules(), 2 * 3012.5);
  commit(*store_, {RemoveTasks{3, 9}});
  EXPECT_EQ(hours(), 1) << "what is older by more than ten hours is gone";
  EXPECT_EQ(millijoules(), 3012);
}

TEST_F(JobRemoval, SmallJobsShareAStep) {
  for (JobId id = 1; id <= 3; ++id) {
    add_ended(id, 1);
    commit(*store_, {ForgetJob{id}});
  }
  const std::vector<JobId> jobs{1, 2, 3};
  const auto rows = query_->forgotten_rows(jobs, 1000).value();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_TRUE(rows[2].whole);
  EXPECT_EQ(query_->forgotten_rows(jobs, 4).value().size(), 1U);
}

TEST_F(JobRemoval, NumbersAreNeverGivenTwice) {
  add_ended(7, 1);
  commit(*store_, {ForgetJob{7}, RemoveTasks{7, 0}, RemoveJob{7}});
  reopen();
  EXPECT_EQ(load(*store_).last_job, 7U);
}

TEST_F(JobRemoval, InputsAreKeptForWhatDidNotSucceed) {
  const wire::BlobRef shared{std::string(64, 'a'), 5};
  const wire::BlobRef own{std::string(64, 'b'), 6};
  const wire::BlobRef tool{std::string(64, 'c'), 7};
  const wire::BlobRef file{std::string(64, 'd'), 8};
  JobRecord job = make_job(1, 1);
  job.spec.stdin_blob = shared;
  job.spec.task.files = {{"tool", tool}, {"again", tool}};
  job.progress.state = JobState::failed;
  commit(*store_,
         {AddJob{job}, AddTasks{1, 0, {{own, {{"file", file}}}, {own, {{"file", file}}}}},
          PutTask{{1, 0}, TaskState::failed, 1, 1}, PutTask{{1, 1}, TaskState::succeeded, 0, 1}, ForgetJob{1}});
  const auto kept = load(*store_).kept_inputs;
  ASSERT_EQ(kept.size(), 4U);
  EXPECT_EQ(kept[0].blob, own);
  EXPECT_EQ(kept[0].uses, 1U);
  EXPECT_EQ(kept[1].blob, shared);
  EXPECT_EQ(kept[2].blob, file);
  EXPECT_EQ(kept[2].uses, 1U);
  EXPECT_EQ(kept[3].blob, tool);
  EXPECT_EQ(kept[3].uses, 2U) << "each naming counts";
  const std::vector<JobId> jobs{1};
  EXPECT_THAT(query_->forgotten_rows(jobs, 100).value().at(0).inputs, ElementsAre(own, file, shared, tool, tool));
}

TEST_F(JobRemoval, ACheckpointIsKeptByAnEndedJobHoweverItEnded) {
  const wire::BlobRef checkpoint{std::string(64, 'a'), 5};
  JobRecord job = make_job(1, 1);
  job.progress.state = JobState::succeeded;
  job.progress.ended = {1'700'000'004'000};
  job.progress.checkpoint = checkpoint;
  commit(*store_, {AddJob{job}, ForgetJob{1}});
  const auto kept = load(*store_).kept_inputs;
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].blob, checkpoint);
  const std::vector<JobId> jobs{1};
  EXPECT_THAT(query_->forgotten_rows(jobs, 100).value().at(0).inputs, ElementsAre(checkpoint));
}

TEST_F(JobRemoval, OutputFilesWithoutAnOwnerAreFound) {
  add_ended(1, 1);
  commit(*store_, {AddJob{make_job(2)}, AddAttempt{make_attempt({2, 0, 1})}, AddAttempt{make_attempt({2, 1, 1})},
                   EndAttempt{{2, 1, 1}, "node lost", {}, {1'700'000'004'000}}});
  const std::vector<AttemptKey> keys{{1, 0, 1}, {1, 0, 2}, {2, 0, 1}, {2, 1, 1}, {99, 0, 1}};
  EXPECT_THAT(query_->unnamed_outputs(keys).value(),
              ElementsAre(AttemptKey{1, 0, 2}, AttemptKey{2, 1, 1}, AttemptKey{99, 0, 1}));
}

}  // namespace
}  // namespace bramble::aggregator
