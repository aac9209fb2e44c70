#include "aggregator/http/selection.hpp"

#include <algorithm>
#include <limits>

namespace bramble::aggregator::http {
namespace {

constexpr size_t kPageJobs = 200;
constexpr size_t kListedCommandBytes = 2000;
constexpr JobId kMaxJob = std::numeric_limits<int64_t>::max();

// The newest job of the owner (empty: of all) as a range.
Result<std::pair<JobId, JobId>> last_of(JobQuery& jobs, const std::string& owner) {
  JobFilter filter;
  filter.owner = owner;
  filter.limit = 1;
  const auto rows = jobs.jobs(filter);
  if (!rows) return tl::unexpected(rows.error());
  if (rows->empty()) {
    return fail(ErrorCode::not_found, owner.empty() ? "there is no job yet" : "there is no job of " + owner);
  }
  return std::pair{rows->back().record.id, rows->back().record.id};
}

std::string owner_of_last(const std::string& owner, const Caller& caller) {
  return owner.empty() && !caller.operator_ ? caller.user : owner;
}

using Ranges = std::vector<std::pair<JobId, JobId>>;

// What is left of the ranges (none: every job) below this job.
Ranges clip(const Ranges& ranges, JobId below) {
  Ranges clipped;
  for (const auto& [first, last] : ranges.empty() ? Ranges{{1, kMaxJob}} : ranges) {
    if (first < below) clipped.emplace_back(first, std::min(last, below - 1));
  }
  return clipped;
}

// Calls visit for the newest filter.limit jobs that the filter lets through, the newest first, holding one page at a
// time: a job may be large.
template <typename Visit>
Status for_each_job(JobQuery& jobs, JobFilter filter, const Visit& visit) {
  const Ranges wanted = filter.ranges;
  filter.ranges = clip(wanted, kMaxJob);
  for (size_t left = filter.limit; left > 0 && !filter.ranges.empty();) {
    filter.limit = std::min(left, kPageJobs);
    auto page = jobs.jobs(filter);
    if (!page) return tl::unexpected(page.error());
    for (auto row = page->rbegin(); row != page->rend(); ++row) {
      if (Status good = visit(*row); !good) return good;
    }
    if (page->size() < filter.limit) break;
    left -= page->size();
    filter.ranges = clip(wanted, page->front().record.id);
  }
  return {};
}

JobFilter every_job(const std::string& owner = "") { return {{}, owner, std::numeric_limits<size_t>::max()}; }

// A listing shows the beginning of the command; a thousand whole environments are not kept for it.
void keep_what_is_listed(JobSpec& spec) {
  size_t kept_bytes = 0;
  for (std::string& argument : spec.task.argv) {
    if (kept_bytes > kListedCommandBytes) argument.clear();
    argument.resize(std::min(argument.size(), kListedCommandBytes));
    argument.shrink_to_fit();
    kept_bytes += argument.size();
  }
  spec.task.env = {};
}

ChosenJob chosen(const JobRow& row) { return {row.record.id, is_final(row.record.progress.state)}; }

// All that are named by number must be the caller's.
Status add_named(JobQuery& jobs, std::pair<JobId, JobId> range, const Caller& caller, std::vector<ChosenJob>& all) {
  bool found = false;
  JobFilter filter = every_job();
  filter.ranges = {range};
  const Status read = for_each_job(jobs, filter, [&](const JobRow& row) -> Status {
    const JobRecord& job = row.record;
    found = true;
    if (!caller.operator_ && job.spec.owner != caller.user) {
      return fail(ErrorCode::denied, "job " + std::to_string(job.id) + " is " + job.spec.owner + "'s");
    }
    all.push_back(chosen(row));
    return {};
  });
  if (!read || found) return read;
  if (range.first == range.second) return tl::unexpected(no_such_job(jobs, range.first));
  return fail(ErrorCode::not_found,
              "there is no job from " + std::to_string(range.first) + " to " + std::to_string(range.second));
}

Status add_all(JobQuery& jobs, const Caller& caller, std::vector<ChosenJob>& all) {
  const JobFilter filter = every_job(caller.operator_ ? "" : caller.user);
  return for_each_job(jobs, filter, [&](const JobRow& row) -> Status {
    all.push_back(chosen(row));
    return {};
  });
}

}  // namespace

Error no_such_job(JobQuery& jobs, JobId job) {
  const auto last = jobs.last_job();
  const std::string end = last ? ": the last one is " + std::to_string(*last) : "";
  return {ErrorCode::not_found, "there is no job " + std::to_string(job) + end};
}

Result<std::vector<JobRow>> select_jobs(JobQuery& jobs, const JobSelector& selector, const ListedJobs& listed,
                                        const Caller& caller) {
  JobFilter filter{selector.ranges, listed.owner, listed.limit, listed.state};
  if (selector.last && !selector.all) {
    const auto last = last_of(jobs, owner_of_last(listed.owner, caller));
    if (!last) return tl::unexpected(last.error());
    filter.ranges.push_back(*last);
  }
  if (selector.all) filter.ranges.clear();
  std::vector<JobRow> rows;
  const Status read = for_each_job(jobs, filter, [&rows](JobRow& row) -> Status {
    keep_what_is_listed(row.record.spec);
    rows.push_back(std::move(row));
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  const bool one_by_number = filter.ranges.size() == 1 && filter.ranges[0].first == filter.ranges[0].second;
  if (rows.empty() && one_by_number && listed.owner.empty() && !listed.state) {
    return tl::unexpected(no_such_job(jobs, filter.ranges[0].first));
  }
  std::reverse(rows.begin(), rows.end());
  return rows;
}

Result<std::vector<ChosenJob>> select_own(JobQuery& jobs, const JobSelector& selector, const Caller& caller) {
  std::vector<ChosenJob> all;
  auto ranges = selector.ranges;
  if (selector.last) {
    const auto last = last_of(jobs, owner_of_last("", caller));
    if (!last) return tl::unexpected(last.error());
    ranges.push_back(*last);
  }
  for (const auto& range : ranges) {
    if (Status added = add_named(jobs, range, caller, all); !added) return tl::unexpected(added.error());
  }
  if (selector.all) {
    if (Status added = add_all(jobs, caller, all); !added) return tl::unexpected(added.error());
  }
  const auto before = [](const ChosenJob& a, const ChosenJob& b) { return a.id < b.id; };
  const auto same = [](const ChosenJob& a, const ChosenJob& b) { return a.id == b.id; };
  std::sort(all.begin(), all.end(), before);
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  return all;
}

Result<std::vector<JobId>> select_for_cancel(JobQuery& jobs, const JobSelector& selector, const Caller& caller) {
  const auto all = select_own(jobs, selector, caller);
  if (!all) return tl::unexpected(all.error());
  std::vector<JobId> open;
  for (const ChosenJob& job : *all) {
    if (!job.ended) open.push_back(job.id);
  }
  return open;
}

Result<std::vector<JobId>> select_for_forget(JobQuery& jobs, const JobSelector& selector, const Caller& caller) {
  const auto all = select_own(jobs, selector, caller);
  if (!all) return tl::unexpected(all.error());
  std::vector<JobId> ended;
  for (const ChosenJob& job : *all) {
    if (job.ended) {
      ended.push_back(job.id);
    } else if (!selector.all) {
      const std::string number = std::to_string(job.id);
      return fail(ErrorCode::conflict,
                  "job " + number + " has not ended: cancel it first (bramble job cancel " + number + ")");
    }
  }
  return ended;
}

}  // namespace bramble::aggregator::http
