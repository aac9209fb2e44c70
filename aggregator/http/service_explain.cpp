// Why a job or a task is not done: the reactor knows of what is open, the store of what has ended.
#include <limits>

#include "aggregator/http/explain_ended.hpp"
#include "aggregator/http/service.hpp"

namespace bramble::aggregator::http {
namespace {

constexpr size_t kTasksLookedAt = 1000;

}  // namespace

void Service::explain(const Route& route, const HttpRequest& request, const Answer& answer) {
  Params params(request.params, {"task"});
  const bool of_task = !params.text("task").empty();
  const auto task = static_cast<TaskIndex>(params.number("task", 0, 0, std::numeric_limits<TaskIndex>::max()));
  if (!params.status()) return answer(error_reply(params.status().error()));
  const ExplainRequest question{route.job, of_task ? std::optional(task) : std::nullopt};
  ask(request.caller, question, limits_.port_timeout_ms, [self = shared_from_this(), question, answer](ApiReply reply) {
    if (reply.http_status != 410) return answer(json_reply(std::move(reply.body), reply.http_status));
    self->run(self->work_pool_, answer, [self, question, answer] { answer(self->explain_ended(question)); });
  });
}

HttpReply Service::explain_ended(const ExplainRequest& question) {
  const auto job = find_job(question.job);
  if (!job) return error_reply(job.error());
  if (!question.task) {
    const auto tasks = backend_.jobs.tasks(question.job, 0, kTasksLookedAt);
    return tasks ? json_reply(render_ended_job(*job, *tasks)) : error_reply(tasks.error());
  }
  const TaskKey key{question.job, *question.task};
  if (!job->record.progress.range.contains(key.task)) {
    return error_reply(404, "job " + std::to_string(key.job) + " has no task " + std::to_string(key.task));
  }
  const auto task = backend_.jobs.task(key);
  if (!task && task.error().code != ErrorCode::not_found) return error_reply(task.error());
  return json_reply(render_ended_task(*job, key.task, task ? &*task : nullptr));
}

}  // namespace bramble::aggregator::http
