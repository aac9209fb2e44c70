// jobs.db in memory: applies the reactor's writes and gives back what a restarted aggregator would load. It is also the
// judge: a second commit of a task, or a result of an attempt that never ended that way, is a violation.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "aggregator/core/api.hpp"
#include "aggregator/core/records.hpp"
#include "common/wire/warden_messages.hpp"

namespace bramble::sim {

class MemoryStore {
 public:
  std::function<void(std::string)> violation;
  std::function<bool(const wire::WardenTask&)> has_succeeded;  // somewhere, for real
  std::function<void(const AttemptKey&)> on_given_out;
  std::function<void(const aggregator::PowerRecord& from, const aggregator::PowerRecord& to)> on_power;

  // What lies on the disk, and can be kept as a backup.
  struct Disk {
    StoreId store = store_name(0);
    TermId term = 0;
    SessionId last_session = 0;
    JobId last_job = 0;
    std::set<JobId> forgotten;  // and not removed yet
    std::map<std::string, aggregator::NodeRecord> nodes;
    std::map<JobId, aggregator::JobRecord> jobs;
    std::map<TaskKey, aggregator::TaskRecord> tasks;
    std::map<AttemptKey, aggregator::AttemptRecord> open_attempts;
    std::map<std::string, aggregator::PowerRecord> power;
    aggregator::PowerPause power_pause;
  };

  void commit(const std::vector<aggregator::StoreWrite>& writes) {
    for (const auto& write : writes) std::visit([this](const auto& what) { apply(what); }, write);
  }

  aggregator::LoadedState load() {
    aggregator::LoadedState loaded;
    loaded.store = disk_.store;
    loaded.term = ++disk_.term;
    loaded.last_session = disk_.last_session;
    loaded.last_job = disk_.last_job;
    loaded.forgotten_jobs.assign(disk_.forgotten.begin(), disk_.forgotten.end());
    for (const auto& [id, job] : disk_.jobs) {
      if (!aggregator::is_final(job.progress.state)) loaded.open_jobs.push_back(job);
    }
    for (const auto& [key, task] : disk_.tasks) {
      if (!aggregator::is_final(task.state) && !aggregator::is_final(disk_.jobs.at(key.job).progress.state)) {
        loaded.open_tasks.push_back(task);
      }
    }
    for (const auto& [key, attempt] : disk_.open_attempts) loaded.open_attempts.push_back(attempt);
    for (const auto& [id, job] : disk_.jobs) {
      for (const auto& blob : kept_of(job)) loaded.kept_inputs.push_back({blob, 1});
    }
    for (const auto& [name, node] : disk_.nodes) loaded.nodes.push_back(node);
    for (const auto& [name, power] : disk_.power) loaded.power.push_back(power);
    loaded.power_pause = disk_.power_pause;
    return loaded;
  }

  const Disk& disk() const { return disk_; }
  void restore(const Disk& backup) {
    disk_ = backup;
    given_out_.clear();  // of what came after the backup nothing is known any more
    for (const auto& [key, task] : disk_.tasks) {
      for (uint32_t attempt = 1; attempt <= task.attempts; ++attempt) given_out_.insert({key.job, key.task, attempt});
    }
  }
  // bramble-aggregator --renew-store
  void renew() {
    disk_.store = store_name(++renewals_);
    disk_.term = 0;
    disk_.open_attempts.clear();
    disk_.power.clear();
    for (auto& [key, task] : disk_.tasks) {
      if (!aggregator::is_final(task.state)) task.state = aggregator::TaskState::queued;
    }
  }

  // What a retry brings along; nothing: there is no such job any more.
  std::optional<aggregator::RetryPlan> retry_plan(JobId id) const {
    const auto job = disk_.jobs.find(id);
    if (job == disk_.jobs.end() || disk_.forgotten.contains(id)) return {};
    aggregator::RetryPlan plan{job->second, {}, 0, {}};
    for_tasks(id, [&](const aggregator::TaskRecord& task) {
      const auto& range = job->second.progress.range;
      plan.touched = (task.key.task - range.first) / range.step + 1;
      if (aggregator::is_final(task.state) && task.state != aggregator::TaskState::succeeded)
        plan.tasks.push_back(task);
    });
    return plan;
  }

  // The next few rows of a forgotten job.
  aggregator::ForgottenRows forgotten_rows(JobId id) const {
    constexpr int kRowsInStep = 3;
    aggregator::ForgottenRows rows;
    rows.job = id;
    int left = kRowsInStep;
    for_tasks(id, [&](const aggregator::TaskRecord& task) {
      if (left-- > 0) rows.through = task.key.task;
    });
    rows.whole = left >= 0;
    if (rows.whole) rows.inputs = kept_of(disk_.jobs.at(id));
    return rows;
  }

  const std::map<JobId, aggregator::JobRecord>& jobs() const { return disk_.jobs; }
  bool was_given_out(const AttemptKey& key) const { return given_out_.contains(key); }
  bool is_final(const TaskKey& key) const {
    const auto task = disk_.tasks.find(key);
    return task != disk_.tasks.end() && aggregator::is_final(task->second.state);
  }
  uint64_t commits() const { return commits_; }
  uint64_t removed_jobs() const { return removed_; }

 private:
  static StoreId store_name(uint64_t number) {
    return "11111111-2222-4333-8444-" + std::to_string(100'000'000'000 + number);
  }

  // Of an ended job that may be tried again.
  static std::vector<wire::BlobRef> kept_of(const aggregator::JobRecord& job) {
    std::vector<wire::BlobRef> blobs;
    const auto state = job.progress.state;
    if (!aggregator::is_final(state)) return blobs;
    if (job.progress.checkpoint) blobs.push_back(*job.progress.checkpoint);
    if (state == aggregator::JobState::succeeded) return blobs;
    for (const auto& file : job.spec.task.files) blobs.push_back(file.blob);
    return blobs;
  }

  template <typename Take>
  void for_tasks(JobId job, Take take) const {
    for (auto task = disk_.tasks.lower_bound({job, 0}); task != disk_.tasks.end() && task->first.job == job; ++task) {
      take(task->second);
    }
  }

  void apply(const aggregator::PutSession& write) { disk_.last_session = write.session; }
  void apply(const aggregator::RemoveNode& write) { disk_.nodes.erase(write.node); }
  void apply(const aggregator::PutNode& write) { disk_.nodes[write.node.status.node] = write.node; }
  void apply(const aggregator::AddJob& write) {
    if (!disk_.jobs.emplace(write.job.id, write.job).second)
      violation("job " + std::to_string(write.job.id) + " added twice");
    if (write.job.id <= disk_.last_job) violation("the number " + std::to_string(write.job.id) + " is given again");
    disk_.last_job = std::max(disk_.last_job, write.job.id);
  }
  void apply(const aggregator::AddTasks& write) {
    for (size_t i = 0; i < write.inputs.size(); ++i) {
      const TaskKey key{write.job, static_cast<TaskIndex>(write.first + i)};
      disk_.tasks[key] = {key, aggregator::TaskState::queued, 0, 0, write.inputs[i].stdin_blob,
                          0,   write.inputs[i].files};
    }
  }
  void apply(const aggregator::PutProgress& write) { disk_.jobs.at(write.job).progress = write.progress; }
  void apply(const aggregator::AddAttempt& write) {
    const auto& key = write.attempt.key;
    if (!given_out_.insert(key).second) violation(to_string(key) + " was given out twice");
    on_given_out(key);
    disk_.open_attempts[key] = write.attempt;
    auto& task = disk_.tasks[key.task_key()];
    task.key = key.task_key();
    task.state = aggregator::TaskState::assigned;
    task.attempts = key.attempt;
  }
  void apply(const aggregator::StartAttempt& write) {
    const auto attempt = disk_.open_attempts.find(write.key);
    if (attempt == disk_.open_attempts.end()) return;
    attempt->second.started = write.started;
    auto& task = disk_.tasks[write.key.task_key()];
    if (!aggregator::is_final(task.state)) task.state = aggregator::TaskState::running;
  }
  void apply(const aggregator::EndAttempt& write) { disk_.open_attempts.erase(write.key); }
  void apply(const aggregator::PutTask& write) {
    auto& task = disk_.tasks[write.key];
    task.key = write.key;
    if (aggregator::is_final(task.state)) violation(to_string(write.key) + " was committed a second time");
    task.state = write.state;
    task.failures = write.failures;
    task.crashes = write.crashes;
    if (!aggregator::is_final(write.state)) return;
    ++commits_;
    if (write.state != aggregator::TaskState::succeeded) return;
    const AttemptKey committed{write.key.job, write.key.task, write.committed_attempt};
    if (!has_succeeded({disk_.store, committed})) {
      violation(to_string(committed) + " was committed and never succeeded");
    }
  }
  void apply(const aggregator::PutOutput&) {}
  void apply(const aggregator::RetryTasks& write) {
    for (const TaskIndex task : write.tasks) {
      auto& record = disk_.tasks.at({write.job, task});
      if (!aggregator::is_final(record.state)) violation(to_string(record.key) + " is tried again and has not ended");
      record.state = aggregator::TaskState::queued;
      record.failures = 0;
    }
  }
  void apply(const aggregator::ForgetJob& write) {
    if (!aggregator::is_final(disk_.jobs.at(write.job).progress.state)) {
      violation("job " + std::to_string(write.job) + " is forgotten and has not ended");
    }
    disk_.forgotten.insert(write.job);
  }
  void apply(const aggregator::RemoveTasks& write) {
    disk_.tasks.erase(disk_.tasks.lower_bound({write.job, 0}), disk_.tasks.upper_bound({write.job, write.through}));
  }
  void apply(const aggregator::RemoveJob& write) {
    if (disk_.forgotten.erase(write.job) == 0) violation("job " + std::to_string(write.job) + " is removed unasked");
    disk_.jobs.erase(write.job);
    ++removed_;
  }

  void apply(const aggregator::PutPower& write) {
    auto& stored = disk_.power[write.power.node];
    if (on_power) on_power(stored, write.power);
    stored = write.power;
  }
  void apply(const aggregator::PutPowerPause& write) { disk_.power_pause = write.pause; }
  void apply(const aggregator::AddAudit&) {}
  void apply(const aggregator::PutToken&) {}
  void apply(const aggregator::RemoveToken&) {}

  Disk disk_;
  uint64_t commits_ = 0;
  uint64_t removed_ = 0;
  uint64_t renewals_ = 0;
  std::set<AttemptKey> given_out_;
};

}  // namespace bramble::sim
