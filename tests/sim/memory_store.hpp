// jobs.db in memory: applies the reactor's writes and gives back what a restarted aggregator would load. It is also the
// judge: a second commit of a task, or a result of an attempt that never ended that way, is a violation.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "aggregator/core/records.hpp"

namespace bramble::sim {

class MemoryStore {
 public:
  std::function<void(std::string)> violation;
  std::function<bool(const AttemptKey&)> has_succeeded;  // somewhere, for real

  void commit(const std::vector<aggregator::StoreWrite>& writes) {
    for (const auto& write : writes) std::visit([this](const auto& what) { apply(what); }, write);
  }

  aggregator::LoadedState load() {
    aggregator::LoadedState loaded;
    loaded.store = "11111111-2222-4333-8444-555555555555";
    loaded.term = ++term_;
    loaded.last_session = last_session_;
    for (const auto& [id, job] : jobs_) {
      loaded.last_job = id;
      if (!is_final(job.progress.state)) loaded.open_jobs.push_back(job);
    }
    for (const auto& [key, task] : tasks_) {
      if (!is_final(task.state) && !is_final(jobs_.at(key.job).progress.state)) loaded.open_tasks.push_back(task);
    }
    for (const auto& [key, attempt] : open_attempts_) loaded.open_attempts.push_back(attempt);
    for (const auto& [name, node] : nodes_) loaded.nodes.push_back(node);
    return loaded;
  }

  const std::map<JobId, aggregator::JobRecord>& jobs() const { return jobs_; }
  uint64_t commits() const { return commits_; }

 private:
  void apply(const aggregator::PutSession& write) { last_session_ = write.session; }
  void apply(const aggregator::PutNode& write) { nodes_[write.node.status.node] = write.node; }
  void apply(const aggregator::AddJob& write) {
    if (!jobs_.emplace(write.job.id, write.job).second)
      violation("job " + std::to_string(write.job.id) + " added twice");
  }
  void apply(const aggregator::AddTasks& write) {
    for (size_t i = 0; i < write.stdin_blobs.size(); ++i) {
      const TaskKey key{write.job, static_cast<TaskIndex>(write.first + i)};
      tasks_[key] = {key, aggregator::TaskState::queued, 0, 0, write.stdin_blobs[i]};
    }
  }
  void apply(const aggregator::PutProgress& write) { jobs_.at(write.job).progress = write.progress; }
  void apply(const aggregator::AddAttempt& write) {
    const auto& key = write.attempt.key;
    if (!all_attempts_.insert({key, true}).second) violation(to_string(key) + " was given out twice");
    open_attempts_[key] = write.attempt;
    auto& task = tasks_[key.task_key()];
    task.key = key.task_key();
    task.state = aggregator::TaskState::assigned;
    task.attempts = key.attempt;
  }
  void apply(const aggregator::StartAttempt& write) {
    const auto attempt = open_attempts_.find(write.key);
    if (attempt == open_attempts_.end()) return;
    attempt->second.started = write.started;
    auto& task = tasks_[write.key.task_key()];
    if (!is_final(task.state)) task.state = aggregator::TaskState::running;
  }
  void apply(const aggregator::EndAttempt& write) { open_attempts_.erase(write.key); }
  void apply(const aggregator::PutTask& write) {
    auto& task = tasks_[write.key];
    task.key = write.key;
    if (is_final(task.state)) violation(to_string(write.key) + " was committed a second time");
    task.state = write.state;
    task.failures = write.failures;
    if (!is_final(write.state)) return;
    ++commits_;
    if (write.state != aggregator::TaskState::succeeded) return;
    const AttemptKey committed{write.key.job, write.key.task, write.committed_attempt};
    if (!has_succeeded(committed)) violation(to_string(committed) + " was committed and never succeeded");
  }
  void apply(const aggregator::PutOutput&) {}
  void apply(const aggregator::RetryTasks& write) {
    for (const TaskIndex task : write.tasks) {
      auto& record = tasks_.at({write.job, task});
      record.state = aggregator::TaskState::queued;
      record.failures = 0;
    }
  }
  void apply(const aggregator::ForgetJob&) {}
  void apply(const aggregator::RemoveTasks&) {}
  void apply(const aggregator::RemoveJob&) {}

  TermId term_ = 0;
  SessionId last_session_ = 0;
  uint64_t commits_ = 0;
  std::map<std::string, aggregator::NodeRecord> nodes_;
  std::map<JobId, aggregator::JobRecord> jobs_;
  std::map<TaskKey, aggregator::TaskRecord> tasks_;
  std::map<AttemptKey, aggregator::AttemptRecord> open_attempts_;
  std::map<AttemptKey, bool> all_attempts_;
};

}  // namespace bramble::sim
