// Values for rows, and a store that must open, for the store's tests.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "aggregator/store/job_store.hpp"
#include "support/temp_dir.hpp"

namespace bramble::aggregator {

using test::TempDir;
using Writes = std::vector<StoreWrite>;

inline std::unique_ptr<SqliteJobStore> open_jobs(const std::string& path) {
  auto store = SqliteJobStore::open(path);
  if (!store) ADD_FAILURE() << store.error().message;
  return store ? std::move(*store) : nullptr;
}

inline void commit(SqliteJobStore& store, const Writes& writes) {
  const Status status = store.commit(writes);
  ASSERT_TRUE(status) << status.error().message;
}

inline LoadedState load(SqliteJobStore& store) {
  auto state = store.load();
  if (!state) ADD_FAILURE() << state.error().message;
  return state ? std::move(*state) : LoadedState{};
}

inline JobRecord make_job(JobId id, TaskIndex last = 9) {
  JobRecord job;
  job.id = id;
  job.spec.submit_id = "0e1f6a44-0000-4000-8000-00000000000" + std::to_string(id % 10);
  job.spec.name = "sweep";
  job.spec.owner = "ada";
  job.spec.array = true;
  job.spec.task.argv = {"echo", "h\xC3\xA9llo", ""};
  job.progress.range = {0, last, 1};
  job.progress.counts.total = job.progress.range.size();
  job.submitted = {1'700'000'000'000};
  return job;
}

inline AttemptRecord make_attempt(AttemptKey key, const std::string& node = "pi1") {
  return {key, node, 7, {1'700'000'001'000}, {}};
}

inline wire::Finished make_result(int code = 0) {
  wire::Finished result;
  result.code = code;
  result.text = "said so";
  result.started_wall_ms = 1'700'000'002'000;
  result.duration_ms = 1500;
  result.cpu_ms = 1200;
  result.peak_memory_bytes = 5'000'000;
  result.energy_j = 3.0125;
  result.energy_measured_j = 0.5;
  result.out.kept_bytes = 3;
  result.err = {40'000, 5, {}};
  return result;
}

// The whole life of a task that succeeds at its first attempt.
inline Writes task_life(TaskKey key, const std::string& output = "ok\n") {
  const AttemptKey attempt{key.job, key.task, 1};
  Writes writes{AddAttempt{make_attempt(attempt)}, StartAttempt{attempt, {1'700'000'002'000}},
                EndAttempt{attempt, "exited", make_result(), {1'700'000'004'000}},
                PutTask{key, TaskState::succeeded, 0, 1}};
  writes.push_back(PutOutput{attempt, wire::Stream::stdout_, output.size(), 0, false, output});
  return writes;
}

}  // namespace bramble::aggregator
