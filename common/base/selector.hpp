// Which jobs a person means: "12", "3-7", "last", "all", and comma lists of them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"

namespace bramble {

inline constexpr size_t kMaxSelectorRanges = 1000;

// Only the holder of the jobs can say which is the last.
struct JobSelector {
  bool all = false;
  bool last = false;
  std::vector<std::pair<JobId, JobId>> ranges;  // first to last, both included, as written

  // Is the job named by its number, or by all?
  bool names(JobId job) const;
  bool operator==(const JobSelector&) const = default;
};

Result<JobSelector> parse_job_selector(std::string_view text);
std::string to_string(const JobSelector& selector);

}  // namespace bramble
