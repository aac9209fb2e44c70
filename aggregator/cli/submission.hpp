// From options to the body of a submit request, and from a job's number to its end.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/console.hpp"
#include "aggregator/cli/exit_status.hpp"
#include "aggregator/cli/options.hpp"
#include "common/base/node_set.hpp"

namespace bramble::cli {

// The body of POST /api/v1/jobs. submit_id: a UUID, so that a request said twice makes one job.
nlohmann::json submit_body(const TaskOptions& task, const std::string& submit_id);
void add_array(nlohmann::json& body, const ArraySpec& array);
void add_stdin(nlohmann::json& body, const wire::BlobRef& blob);

// How many such tasks the nodes that take work and may run them can run at once; at least 1.
Result<uint64_t> count_slots(Api& api, const TaskOptions& task);

// The same of node objects, where `able` is the set of nodes that may run them.
uint64_t slots_of(const nlohmann::json& nodes, const NodeSet& able, uint32_t cpus);

// Waits for the job's end; with `progress`, shows it on the way.
Result<JobView> wait_for_job(Api& api, Console& console, JobId job, bool progress);

// "3 of 10 tasks failed (job 12): bramble job info 12 shows why"; empty where all is well.
std::string job_complaint(JobId job, const JobView& view);

// Submits, and says what people should know about it.
Result<JobId> hand_in(Api& api, Console& console, const nlohmann::json& body);

// How a task of a job that is final ended: its committed try, else its last.
struct TaskReport {
  std::string state;
  std::string node;
  uint32_t attempts = 0;
  TaskEnd end;
  std::string text;  // the node's own words
  int64_t duration_ms = 0;
};
TaskReport task_report(const nlohmann::json& task);
Result<TaskReport> fetch_task_report(Api& api, TaskKey task);

// "failed with exit status 3", "was ended by signal 9"; for a sentence that names the task.
std::string describe_end(const TaskReport& report);

}  // namespace bramble::cli
