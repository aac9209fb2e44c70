// When the client of each job last spoke of it: one that died closes no job, and people should see for how long it has
// been silent.
#pragma once

#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "aggregator/core/records.hpp"
#include "common/base/clock.hpp"

namespace bramble::aggregator::http {

// Thread-safe.
class JobClients {
 public:
  static constexpr size_t kMost = 10'000;  // jobs that are remembered: those that were spoken of last

  explicit JobClients(MonoTime started) : started_(started) {}

  void spoke(JobId job, MonoTime now);

  // Of a job of which nobody has spoken since the start, from that on, or from when it was submitted. Nothing: its
  // client was perhaps forgotten.
  std::optional<int64_t> silent_ms(const JobRecord& job, Now now) const;

 private:
  const MonoTime started_;
  mutable std::mutex mutex_;
  std::list<std::pair<JobId, MonoTime>> last_;  // the newest first
  std::unordered_map<JobId, std::list<std::pair<JobId, MonoTime>>::iterator> by_job_;
  bool forgot_ = false;
};

}  // namespace bramble::aggregator::http
