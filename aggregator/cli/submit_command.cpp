#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/interrupts.hpp"
#include "aggregator/cli/job_inputs.hpp"
#include "aggregator/cli/submission.hpp"
#include "aggregator/cli/text.hpp"
#include "common/posix/uuid.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

Result<int> dry_run(const Session& session, Api& api, json body) {
  body["dry_run"] = true;
  const auto reply = api.post("/api/v1/jobs", body);
  if (!reply) return tl::unexpected(reply.error());
  const auto tasks = static_cast<uint64_t>(number_field(*reply, "tasks"));
  const std::string nodes = text_field(*reply, "nodes"), note = text_field(*reply, "note");
  if (!note.empty()) session.console.say("it would wait: " + note);
  const std::string text =
      session.common.json ? reply->dump()
                          : fmt::format("would submit a job of {}{}; nothing was changed", count_text(tasks, "task"),
                                        nodes.empty() ? "" : ", for which there is " + nodes);
  if (auto status = session.console.print(text + "\n"); !status) return tl::unexpected(status.error());
  return kGood;
}

Result<int> wait_for_end(const Session& session, Api& api, JobId job, bool progress) {
  Interrupts interrupts([&] {
    session.console.end_progress();
    session.console.say(fmt::format("job {} goes on: bramble job cancel {} would end it", job, job));
    std::_Exit(kSignalBase + SIGINT);
  });
  const auto view = wait_for_job(api, session.console, job, progress);
  if (!view) return tl::unexpected(view.error());
  const std::string complaint = job_complaint(job, *view);
  if (complaint.empty()) return kGood;
  session.console.say(complaint);
  return kWorkFailed;
}

}  // namespace

Result<int> submit(const Session& session, const SubmitCommand& command) {
  auto inputs = JobInputs::open(command.task.inputs, command.stdin_file);
  if (!inputs) return tl::unexpected(inputs.error());
  Api api = session.connect();
  json body = submit_body(command.task, posix::random_uuid());
  if (command.array) add_array(body, *command.array);
  if (command.dry_run) return dry_run(session, api, std::move(body));
  if (Status added = inputs->upload(api, body); !added) return tl::unexpected(added.error());
  const auto job = hand_in(api, session.console, body);
  if (!job) return tl::unexpected(job.error());
  const std::string number = session.common.json ? json{{"job", *job}}.dump() : std::to_string(*job);
  if (auto status = session.console.print(number + "\n"); !status) return tl::unexpected(status.error());
  if (!command.wait && !command.progress) return kGood;
  return wait_for_end(session, api, *job, command.progress);
}

}  // namespace bramble::cli
