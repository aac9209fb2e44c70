// Which jobs of the store a selector means.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aggregator/core/api.hpp"
#include "aggregator/core/store.hpp"
#include "common/base/result.hpp"
#include "common/base/selector.hpp"

namespace bramble::aggregator::http {

struct ListedJobs {
  std::string owner;              // empty: everybody's
  std::optional<JobState> state;  // nothing: any
  size_t limit = 1000;            // the newest so many
};

// The rows of a listing, by number: those that the selector names and that are listed. `last` is the newest of the
// owner, or of the caller, or, for an operator, of all. Environments are left out and commands shortened.
Result<std::vector<JobRow>> select_jobs(JobQuery& jobs, const JobSelector& selector, const ListedJobs& listed,
                                        const Caller& caller);

struct ChosenJob {
  JobId id = 0;
  bool ended = false;
};

// The jobs that a change is about, by number. `all` are the caller's own, or everybody's for an operator. A job named
// by number that does not exist is not_found; one of another owner is denied.
Result<std::vector<ChosenJob>> select_own(JobQuery& jobs, const JobSelector& selector, const Caller& caller);

// Those of them that have ended; one that was named and has not is a conflict, with `all` it is passed over.
Result<std::vector<JobId>> select_for_forget(JobQuery& jobs, const JobSelector& selector, const Caller& caller);

// The jobs that a cancel is about: those that have ended are left out.
Result<std::vector<JobId>> select_for_cancel(JobQuery& jobs, const JobSelector& selector, const Caller& caller);

// "there is no job 12: the last one is 7".
Error no_such_job(JobQuery& jobs, JobId job);

}  // namespace bramble::aggregator::http
