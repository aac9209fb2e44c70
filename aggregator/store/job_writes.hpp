// StoreWrites into the tables of jobs.db.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "aggregator/core/records.hpp"
#include "aggregator/store/power_rows.hpp"
#include "aggregator/store/sqlite.hpp"
#include "aggregator/store/token_rows.hpp"

namespace bramble::aggregator {

// What a batch does to each task, attempt and job, all its writes taken together. Every write sets columns, so the last
// one wins and each row need be touched once: a short task starts, ends and commits within one batch. Points into the
// batch.
struct RowChanges {
  struct Task {
    TaskKey key;
    TaskState state = TaskState::queued;
    uint32_t attempts = 0;
    std::optional<uint32_t> failures;
    std::optional<uint32_t> committed_attempt;
    std::optional<uint32_t> crashes;
  };
  struct Attempt {
    AttemptKey key;
    const AttemptRecord* added = nullptr;
    std::optional<int64_t> started_ms;
    const EndAttempt* ended = nullptr;
  };

  explicit RowChanges(std::span<const StoreWrite> writes);

  std::vector<Task> tasks;  // in the order of their first mention
  std::vector<Attempt> attempts;
  std::vector<const PutProgress*> progress;

 private:
  void take(const AddAttempt& write);
  void take(const StartAttempt& write);
  void take(const EndAttempt& write);
  void take(const PutTask& write);
  void take(const PutProgress& write);
  template <typename Write>
  void take(const Write&) {}  // applied one by one

  Task& task(const TaskKey& key);
  Attempt& attempt(const AttemptKey& key);

  std::unordered_map<TaskKey, size_t> task_places_;
  std::unordered_map<AttemptKey, size_t> attempt_places_;
  std::unordered_map<JobId, size_t> progress_places_;
};

// The prepared statements of the commit path. Must be destroyed before the connection.
class JobWriter {
 public:
  // keep_energy_ms: how long the energy of forgotten jobs is kept, before the newest of it; 0: for ever.
  static Result<JobWriter> prepare(sqlite::Connection& connection, int64_t keep_energy_ms);

  // To be called within a transaction.
  Status apply(std::span<const StoreWrite> writes);

 private:
  Status put(const PutSession& write);
  Status put(const PutNode& write);
  Status put(const RemoveNode& write);
  Status put(const AddJob& write);
  Status put(const AddTasks& write);
  Status put(const PutOutput& write);
  Status put(const RetryTasks& write);
  Status put(const ForgetJob& write);
  Status put(const RemoveTasks& write);
  Status put(const RemoveJob& write);
  Status put(const PutPower& write) { return power_.put(write); }
  Status put(const PutPowerPause& write) { return power_.put(write); }
  Status put(const AddAudit& write) { return power_.put(write); }
  Status put(const PutToken& write) { return tokens_.put(write); }
  Status put(const RemoveToken& write) { return tokens_.put(write); }
  template <typename Write>
  Status put(const Write&) {  // part of RowChanges
    return {};
  }

  Status put_task(const RowChanges::Task& change);
  Status put_attempt(const RowChanges::Attempt& change);
  Status put_end(const RowChanges::Attempt& change);
  Status put_progress(JobId job, const JobProgress& progress);

  sqlite::Statement session_;
  sqlite::Statement node_;
  sqlite::Statement remove_node_;
  sqlite::Statement job_;
  sqlite::Statement progress_;
  sqlite::Statement appended_task_;
  sqlite::Statement task_;
  sqlite::Statement add_attempt_;
  sqlite::Statement start_attempt_;
  sqlite::Statement end_attempt_;
  sqlite::Statement output_;
  sqlite::Statement retry_task_;
  sqlite::Statement drop_output_;
  sqlite::Statement forget_job_;
  sqlite::Statement keep_energy_;
  sqlite::Statement expire_energy_;
  int64_t keep_energy_ms_ = 0;
  std::array<sqlite::Statement, 3> remove_tasks_;
  std::array<sqlite::Statement, 3> remove_job_;
  PowerWriter power_;
  TokenWriter tokens_;
};

}  // namespace bramble::aggregator
