#include "aggregator/cli/submission.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "aggregator/cli/table.hpp"
#include "aggregator/cli/text.hpp"
#include "common/posix/system_clock.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr int64_t kPollS = 30;
constexpr int64_t kProgressPollS = 1;  // the time left counts down between two changes

}  // namespace

json submit_body(const TaskOptions& task, const std::string& submit_id) {
  json body = {{"argv", task.argv}, {"submit_id", submit_id},  {"priority", task.priority},
               {"cpus", task.cpus}, {"retries", task.retries}, {"on_node_loss", task.on_node_loss}};
  body["crash_limit"] = task.crash_limit;
  if (!task.name.empty()) body["name"] = task.name;
  if (task.memory_bytes > 0) body["memory_bytes"] = task.memory_bytes;
  if (task.time_limit_ms > 0) body["time_limit_ms"] = task.time_limit_ms;
  if (task.isolate != "none") body["isolate"] = task.isolate;
  if (task.network) body["network"] = true;
  if (!task.on.empty()) body["on"] = task.on;
  if (!task.arch.empty()) body["arch"] = task.arch;
  for (const auto& [name, amount] : task.resources) body["resources"][name] = amount;
  for (const auto& [name, value] : task.env) body["env"][name] = value;
  return body;
}

void add_array(json& body, const ArraySpec& array) {
  body["array"] = {{"first", array.first}, {"last", array.last}, {"step", array.step}};
  if (array.max_running > 0) body["array"]["max_running"] = array.max_running;
}

void add_stdin(json& body, const wire::BlobRef& blob) {
  body["stdin"] = {{"blob", blob.sha256}, {"size_bytes", blob.size_bytes}};
}

uint64_t slots_of(const json& nodes, const NodeSet& able, uint32_t cpus) {
  const std::set<std::string> names(able.names.begin(), able.names.end());
  int64_t slots = 0;
  for (const json& node : nodes) {
    const bool takes_work = text_field(node, "state") == "on" && !flag_field(node, "drained");
    if (takes_work && names.contains(text_field(node, "node"))) slots += number_field(node, "cores") / cpus;
  }
  return static_cast<uint64_t>(std::max<int64_t>(slots, 1));
}

// Which nodes are able, the aggregator knows best: a rehearsal of the job, whatever its command will be, says it.
Result<uint64_t> count_slots(Api& api, const TaskOptions& task) {
  TaskOptions such = task;
  such.argv = {"true"};
  such.env.clear();
  json body = submit_body(such, posix::random_uuid());
  body["dry_run"] = true;
  const auto rehearsed = api.post("/api/v1/jobs", body);
  if (!rehearsed) return tl::unexpected(rehearsed.error());
  const std::string names = text_field(*rehearsed, "nodes");
  const auto able = names.empty() ? NodeSet{} : parse_node_set(names);
  if (!able) return tl::unexpected(able.error());
  const auto nodes = api.get("/api/v1/nodes");
  if (!nodes) return tl::unexpected(nodes.error());
  return slots_of(*nodes, *able, std::max(task.cpus, 1U));
}

Result<JobView> wait_for_job(Api& api, Console& console, JobId job, bool progress) {
  Progress shown;
  uint64_t version = 0;
  while (true) {
    const auto view = api.watch(job, version, progress ? kProgressPollS : kPollS);
    if (!view) return tl::unexpected(view.error());
    version = view->version;
    if (progress) {
      const MonoTime now = posix::mono_now();
      shown.update(now, view->counts);
      console.show_progress(shown.line(), now);
    }
    if (view->ended()) {
      console.end_progress();
      return *view;
    }
  }
}

std::string job_complaint(JobId job, const JobView& view) {
  if (view.state == "succeeded") return "";
  if (view.state == "cancelled") return fmt::format("job {} was cancelled", job);
  return fmt::format("job {}: {} of {} failed: bramble job info {} shows why", job, view.counts.failed,
                     count_text(view.counts.total, "task"), job);
}

TaskReport task_report(const json& task) {
  TaskReport report;
  report.state = text_field(task, "state");
  report.attempts = static_cast<uint32_t>(number_field(task, "attempts"));
  const auto tries = task.find("tries");
  if (tries == task.end() || !tries->is_array() || tries->empty()) return report;
  const json* chosen = &tries->back();
  for (const json& each : *tries) {
    if (flag_field(each, "committed")) chosen = &each;
  }
  report.node = text_field(*chosen, "node");
  report.text = text_field(*chosen, "text");
  report.duration_ms = number_field(*chosen, "duration_ms");
  report.end = {text_field(*chosen, "outcome"), static_cast<int>(number_field(*chosen, "exit_code")),
                static_cast<int>(number_field(*chosen, "signal"))};
  return report;
}

Result<TaskReport> fetch_task_report(Api& api, TaskKey task) {
  const auto tasks = api.get(fmt::format("/api/v1/jobs/{}/tasks?first={}&limit=1", task.job, task.task));
  if (!tasks) return tl::unexpected(tasks.error());
  if (!tasks->is_array() || tasks->empty() || number_field(tasks->front(), "task", -1) != task.task) {
    return TaskReport{};  // never touched
  }
  return task_report(tasks->front());
}

Result<JobId> hand_in(Api& api, Console& console, const json& body) {
  const auto submitted = api.submit(body);
  if (!submitted) return tl::unexpected(submitted.error());
  if (!submitted->note.empty()) console.say(fmt::format("job {} waits: {}", submitted->job, submitted->note));
  return submitted->job;
}

std::string describe_end(const TaskReport& report) {
  const TaskEnd& end = report.end;
  std::string text;
  if (report.state == "succeeded") {
    text = "succeeded";
  } else if (end.outcome == "exited") {
    text = fmt::format("failed with exit status {}", end.exit_code);
  } else if (end.outcome == "signaled") {
    text = fmt::format("was ended by signal {}", end.signal);
  } else if (end.outcome == "timed_out") {
    text = "was ended at its time limit";
  } else if (end.outcome == "memory") {
    text = "was ended at its memory limit";
  } else if (end.outcome == "start_failed") {
    text = "could not be started";
  } else if (end.outcome.empty() || end.outcome == "cancelled") {
    text = report.state == "failed" ? "failed" : "was cancelled";
  } else {
    text = "failed (" + end.outcome + ")";
  }
  if (!report.node.empty()) text += " on " + report.node;
  return report.text.empty() ? text : text + ": " + without_controls(report.text);
}

}  // namespace bramble::cli
