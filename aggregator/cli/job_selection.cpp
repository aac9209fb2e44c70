#include "aggregator/cli/job_selection.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "aggregator/cli/views.hpp"

namespace bramble::cli {

using nlohmann::json;

Result<json> select_jobs(Api& api, const JobListCommand& which) {
  std::string query;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) query += fmt::format("{}{}={}", query.empty() ? "?" : "&", name, url_encoded(value));
  };
  add("select", which.selector);
  add("owner", which.owner);
  add("state", which.state);
  if (which.limit > 0) add("limit", std::to_string(which.limit));
  auto jobs = api.get("/api/v1/jobs" + query);
  if (jobs && !jobs->is_array()) return fail(ErrorCode::corrupt, "the aggregator's list of jobs is not understood");
  return jobs;
}

Result<std::vector<JobId>> select_numbers(Api& api, const std::string& selector) {
  const auto jobs = select_jobs(api, {selector, "", 0});
  if (!jobs) return tl::unexpected(jobs.error());
  std::vector<JobId> numbers;
  for (const json& job : *jobs) numbers.push_back(static_cast<JobId>(number_field(job, "job")));
  if (numbers.empty()) {
    return fail(ErrorCode::not_found, "no job matches '" + selector + "': bramble job list shows those that exist");
  }
  return numbers;
}

void say_troubles(Api& api, Console& console) {
  const auto health = api.get("/api/v1/health");
  if (!health) return;  // the listing itself came through
  for (const std::string& trouble : troubles_in(*health)) console.say(trouble);
}

}  // namespace bramble::cli
