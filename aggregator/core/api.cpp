// What people ask for.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "aggregator/core/doctor.hpp"
#include "aggregator/core/explain.hpp"
#include "aggregator/core/internal.hpp"
#include "aggregator/core/metrics.hpp"
#include "aggregator/core/power_internal.hpp"
#include "aggregator/core/reactor.hpp"
#include "common/base/node_set.hpp"
#include "common/wire/input_files.hpp"

namespace bramble::aggregator {
namespace {

using nlohmann::json;

ApiReply ok(const json& body, int status = 200) { return {status, body.dump(), {}}; }

std::optional<JobId> submitted_before(const State& state, const std::string& submit_id) {
  if (submit_id.empty()) return {};
  const auto found = state.submissions.find(submit_id);
  return found == state.submissions.end() ? std::nullopt : std::optional(found->second);
}

// That no node could run it is said to the submitter and not held against the job: the node may yet come.
void add_note(json& body, const State& state, const JobSpec& job) {
  if (const auto note = waits_for_a_node(state, job)) body["note"] = *note;
}

ApiReply rehearse(const State& state, const SubmitRequest& request) {
  const uint64_t tasks = request.spec.per_task_input ? 0 : request.range.size();
  json body{{"job", nullptr}, {"tasks", tasks}, {"nodes", fold_node_set(able_nodes(state, request.spec))}};
  add_note(body, state, request.spec);
  return ok(body);
}

ApiReply handle(State& state, Effects& effects, Now now, const Caller& caller, SubmitRequest& request) {
  if (request.dry_run) return rehearse(state, request);
  if (const auto before = submitted_before(state, request.spec.submit_id)) return ok({{"job", *before}});
  if (state.jobs.size() >= state.config.max_open_jobs) {
    return refuse(503, "there are " + std::to_string(state.jobs.size()) + " open jobs already; wait for some to end");
  }
  if (auto refused = refuse_blobs(state, request.spec.stdin_blob, request.spec.task.files)) return *refused;
  const JobId id = ++state.last_job;
  Job& job = state.jobs[id];
  request.spec.owner = caller.user;
  request.spec.task.lease_ms = request.spec.on_node_loss == NodeLossPolicy::fence ? state.config.lease_ms : 0;
  job.record = {id, std::move(request.spec), {}, now.wall};
  auto& progress = job.record.progress;
  progress.open = job.record.spec.per_task_input;
  progress.range = progress.open ? TaskRange{1, 0, 1} : request.range;
  progress.counts.total = progress.range.size();
  take_blobs(state, job.record.spec.stdin_blob, job.record.spec.task.files);
  if (!job.record.spec.submit_id.empty()) state.submissions[job.record.spec.submit_id] = id;
  effects.writes.push_back(AddJob{job.record});
  touch(state, job);
  json body{{"job", id}};
  add_note(body, state, job.record.spec);
  return ok(body, 201);
}

ApiReply no_such_job(JobId id) { return refuse(404, "there is no open job " + std::to_string(id)); }

std::optional<ApiReply> refuse_input(const State& state, const JobSpec& job, const TaskInput& input) {
  if (const Status good = wire::check_file_names(input.files, job.task.files); !good) {
    return refuse(400, "a task's files: " + good.error().message);
  }
  return refuse_blobs(state, input.stdin_blob, input.files);
}

void add_task(State& state, Job& job, const TaskInput& input) {
  auto& progress = job.record.progress;
  const auto index = static_cast<TaskIndex>(progress.range.size());
  progress.range = {0, index, 1};
  job.inputs[index] = input;
  if (!input.files.empty()) job.record.spec.task_files = true;
  take_blobs(state, input.stdin_blob, input.files);
  state.open_inputs += count_inputs(input.stdin_blob, input.files);
}

ApiReply handle(State& state, Effects& effects, Now, const Caller& caller, AppendRequest& request) {
  Job* job = find_job(state, request.job);
  if (job == nullptr) return no_such_job(request.job);
  auto& progress = job->record.progress;
  if (!caller.operator_ && caller.user != job->record.spec.owner) {
    return refuse(403, "job " + std::to_string(request.job) + " is " + job->record.spec.owner + "'s");
  }
  if (!progress.open) return refuse(409, "job " + std::to_string(request.job) + " takes no more tasks");
  const uint64_t have = progress.range.size();
  if (request.first > have) return refuse(409, "tasks from " + std::to_string(have) + " on are missing");
  AddTasks add{request.job, static_cast<TaskIndex>(have), {}};
  uint64_t more = 0;
  for (uint64_t i = have - request.first; i < request.tasks.size(); ++i) {
    if (auto refused = refuse_input(state, job->record.spec, request.tasks[i])) return *refused;
    more += count_inputs(request.tasks[i].stdin_blob, request.tasks[i].files);
    add.inputs.push_back(std::move(request.tasks[i]));
  }
  if (auto refused = refuse_more_inputs(state, more)) return *refused;
  for (const auto& input : add.inputs) add_task(state, *job, input);
  progress.counts.total = progress.range.size();
  if (!add.inputs.empty()) {
    effects.writes.push_back(std::move(add));
    touch(state, *job);
  }
  return ok({{"tasks", progress.counts.total}});
}

ApiReply handle(State& state, Effects& effects, Now now, const Caller&, KeepBlobRequest& request) {
  if (!request.is_new) {
    if (auto refused = refuse_blob(state, request.blob)) return *refused;
  }
  if (state.blobs_to_be_named.size() >= state.config.max_unnamed_blobs) {
    if (!state.blobs.contains(request.blob.sha256)) effects.files.push_back(RemoveBlob{request.blob.sha256, now.mono});
    return refuse(503,
                  std::to_string(state.blobs_to_be_named.size()) + " inputs wait for their jobs already: try again");
  }
  keep_blob(state, now, request.blob);
  return ok({{"blob", request.blob.sha256}, {"size_bytes", request.blob.size_bytes}}, request.is_new ? 201 : 200);
}

ApiReply handle(State& state, Effects&, Now, const Caller& caller, CloseRequest& request) {
  Job* job = find_job(state, request.job);
  if (job == nullptr) {
    if (state.final_jobs.contains(request.job)) return ok({{"tasks", nullptr}});
    return no_such_job(request.job);
  }
  if (!caller.operator_ && caller.user != job->record.spec.owner) {
    return refuse(403, "job " + std::to_string(request.job) + " is " + job->record.spec.owner + "'s");
  }
  job->record.progress.open = false;
  touch(state, *job);
  return ok({{"tasks", job->record.progress.counts.total}});
}

ApiReply handle(State& state, Effects& effects, Now now, const Caller& caller, CheckpointRequest& request) {
  Job* job = find_job(state, request.job);
  if (job == nullptr) return no_such_job(request.job);
  if (!caller.operator_ && caller.user != job->record.spec.owner) {
    return refuse(403, "job " + std::to_string(request.job) + " is " + job->record.spec.owner + "'s");
  }
  if (auto refused = refuse_blob(state, request.blob)) return *refused;
  auto& checkpoint = job->record.progress.checkpoint;
  take_blob(state, request.blob);  // before the old one goes: they may be the same
  if (checkpoint) drop_blob(state, effects, now, *checkpoint);
  checkpoint = request.blob;
  touch(state, *job);
  return ok({{"job", request.job}});
}

ApiReply handle(State& state, Effects& effects, Now now, const Caller& caller, CancelRequest& request) {
  json cancelled = json::array();
  for (const JobId id : request.jobs) {
    Job* job = find_job(state, id);
    if (job == nullptr) continue;
    if (!caller.operator_ && caller.user != job->record.spec.owner) {
      return refuse(403, "job " + std::to_string(id) + " is " + job->record.spec.owner + "'s");
    }
  }
  for (const JobId id : request.jobs) {
    Job* job = find_job(state, id);
    if (job == nullptr) continue;
    cancel_job(state, effects, now, *job);
    cancelled.push_back(id);
  }
  return ok({{"cancelled", cancelled}});
}

ApiReply handle(State& state, Effects& effects, Now, const Caller& caller, DrainRequest& request) {
  if (!caller.operator_) return refuse(403, "only an operator may drain or resume nodes");
  for (const auto& name : request.nodes) {
    if (find_node(state, name) == nullptr) return refuse(404, "there is no node " + name);
  }
  for (const auto& name : request.nodes) {
    Node& node = *find_node(state, name);
    node.record.drained = request.drain;
    node.record.drain_reason = request.drain ? request.reason : "";
    effects.writes.push_back(PutNode{node.record});
  }
  state.schedule_needed = true;
  return ok({{"nodes", request.nodes}});
}

ApiReply handle(State& state, Effects& effects, Now now, const Caller& caller, CalibrateRequest& request) {
  if (!caller.operator_) return refuse(403, "only an operator may calibrate nodes");
  for (const auto& name : request.nodes) {
    if (find_node(state, name) == nullptr) return refuse(404, "there is no node " + name);
  }
  for (const auto& name : request.nodes) calibrate(state, effects, now, *find_node(state, name), request.power);
  return ok({{"nodes", request.nodes}});
}

ApiReply handle(State& state, Effects&, Now now, const Caller&, NodesRequest&) {
  return {200, nodes_json(state, now), {}};
}

ApiReply handle(State& state, Effects&, Now, const Caller&, HealthRequest&) { return {200, health_json(state), {}}; }

ApiReply handle(State& state, Effects&, Now now, const Caller&, MetricsRequest&) {
  return {200, metrics_text(state, now), {}};
}

ApiReply handle(State& state, Effects&, Now now, const Caller&, ExplainRequest& request) {
  return explain_reply(state, now, request);
}

ApiReply handle(State& state, Effects& effects, Now, const Caller&, ForgetRequest& request) {
  return forget_jobs(state, effects, request.jobs);
}

ApiReply handle(State& state, Effects& effects, Now now, const Caller&, RetryRequest& request) {
  return retry_jobs(state, effects, now, request);
}

ApiReply handle(State& state, Effects& effects, Now now, const Caller& caller, PowerRequest& request) {
  return switch_power(state, effects, now, caller, request);
}

ApiReply handle(State& state, Effects& effects, Now now, const Caller& caller, PowerPauseRequest& request) {
  return pause_power(state, effects, now, caller, request);
}

ApiReply handle(State& state, Effects& effects, Now now, const Caller& caller, ClearFaultRequest& request) {
  return clear_faults(state, effects, now, caller, request);
}

ApiReply handle(State& state, Effects&, Now now, const Caller&, PowerStatusRequest& request) {
  for (const auto& name : request.nodes) {
    const bool known = state.power.nodes.contains(name) || state.node_by_name.contains(name);
    if (!known) return refuse(404, "there is no node " + name);
  }
  return {200, power_json(state, now, request.nodes), {}};
}

ApiReply handle(State& state, Effects& effects, Now now, const Caller& caller, AddTokenRequest& request) {
  return add_token(state, effects, now, caller, request);
}

ApiReply handle(State& state, Effects& effects, Now now, const Caller& caller, RemoveTokenRequest& request) {
  return remove_token(state, effects, now, caller, request.name);
}

ApiReply handle(State& state, Effects&, Now now, const Caller& caller, TokensRequest&) {
  return list_tokens(state, now, caller);
}

void wait_for_job(State& state, Effects& effects, Now now, ApiRequest& request) {
  const auto& watch = std::get<WatchJobRequest>(request.call);
  if (Job* job = find_job(state, watch.job)) {
    job->waiters.push_back({watch, std::move(request.reply), now.mono + watch.wait_ms});
    state.watched_jobs.insert(watch.job);
    return;
  }
  const auto found = state.final_jobs.find(watch.job);
  ApiReply reply;
  if (found == state.final_jobs.end()) {
    reply.http_status = 410;  // not open: the store has everything
  } else {
    reply.body = job_watch_json(found->second.progress, found->second.version, 0, 0, 0);
  }
  effects.replies.push_back({std::move(request.reply), std::move(reply)});
}

}  // namespace

ApiReply refuse(int http_status, const std::string& why) { return {http_status, json{{"error", why}}.dump(), {}}; }

namespace {

bool only_asks(const ApiCall& call) {
  return std::holds_alternative<NodesRequest>(call) || std::holds_alternative<HealthRequest>(call) ||
         std::holds_alternative<MetricsRequest>(call) || std::holds_alternative<WatchJobRequest>(call) ||
         std::holds_alternative<WatchOutputRequest>(call) || std::holds_alternative<PowerStatusRequest>(call) ||
         std::holds_alternative<DoctorRequest>(call) || std::holds_alternative<TokensRequest>(call);
}

// Those that are answered later. False: it is none of them.
bool answer_later(State& state, Effects& effects, Now now, ApiRequest& request) {
  if (std::holds_alternative<WatchJobRequest>(request.call)) {
    wait_for_job(state, effects, now, request);
  } else if (auto* watch = std::get_if<WatchOutputRequest>(&request.call)) {
    state.output_waiters.push_back({*watch, std::move(request.reply), now.mono + watch->wait_ms});
  } else if (auto* question = std::get_if<DoctorRequest>(&request.call)) {
    begin_doctor(state, effects, now, std::move(*question), std::move(request.reply));
  } else if (const auto* adding = std::get_if<AddNodeRequest>(&request.call)) {
    add_node(state, effects, request.caller, *adding, std::move(request.reply));
  } else if (const auto* removing = std::get_if<RemoveNodesRequest>(&request.call)) {
    remove_nodes(state, effects, request.caller, *removing, std::move(request.reply));
  } else {
    return false;
  }
  return true;
}

template <typename Call>
constexpr bool kAnsweredLater = std::is_same_v<Call, WatchJobRequest> || std::is_same_v<Call, WatchOutputRequest> ||
                                std::is_same_v<Call, DoctorRequest> || std::is_same_v<Call, AddNodeRequest> ||
                                std::is_same_v<Call, RemoveNodesRequest>;

}  // namespace

void on_api(State& state, Effects& effects, Now now, ApiRequest request) {
  if (!state.gone_back.empty() && !only_asks(request.call)) {
    effects.replies.push_back({std::move(request.reply), refuse(503, state.gone_back)});
    return;
  }
  if (answer_later(state, effects, now, request)) return;
  std::visit(
      [&](auto& call) {
        if constexpr (!kAnsweredLater<std::decay_t<decltype(call)>>) {
          ApiReply reply = handle(state, effects, now, request.caller, call);
          effects.replies.push_back({std::move(request.reply), std::move(reply)});
        }
      },
      request.call);
}

}  // namespace bramble::aggregator
