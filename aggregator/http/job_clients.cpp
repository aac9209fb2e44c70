#include "aggregator/http/job_clients.hpp"

#include <algorithm>

namespace bramble::aggregator::http {

void JobClients::spoke(JobId job, MonoTime now) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_job_.find(job); found != by_job_.end()) {
    last_.splice(last_.begin(), last_, found->second);
    last_.front().second = now;
    return;
  }
  last_.emplace_front(job, now);
  by_job_[job] = last_.begin();
  if (last_.size() <= kMost) return;
  forgot_ = true;
  by_job_.erase(last_.back().first);
  last_.pop_back();
}

std::optional<int64_t> JobClients::silent_ms(const JobRecord& job, Now now) const {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_job_.find(job.id); found != by_job_.end()) return now.mono - found->second->second;
  if (forgot_) return std::nullopt;
  // The wall clock may have been set since: no longer than this process knows of.
  return std::clamp<int64_t>(now.wall.ms - job.submitted.ms, 0, now.mono - started_);
}

}  // namespace bramble::aggregator::http
