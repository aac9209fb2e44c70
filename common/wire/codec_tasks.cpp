// TasksMessage: what the aggregator tells an agent.
#include "common/base/utf8.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/json_parts.hpp"

namespace bramble::wire {
namespace {

OutJson to_json(const Welcome& welcome) {
  const Welcome defaults;
  OutJson json = {{"agent_id", welcome.agent_id},
                  {"boot_id", welcome.boot_id},
                  {"counter", welcome.counter},
                  {"nonce", welcome.nonce}};
  put_unless(json, "beat_ms", welcome.beat_ms, defaults.beat_ms);
  put_unless(json, "telemetry_ms", welcome.telemetry_ms, defaults.telemetry_ms);
  if (welcome.power) json["power"] = {{"idle_w", welcome.power->idle_w}, {"busy_w", welcome.power->busy_w}};
  return json;
}

Status read_power_model(const Json& json, PowerModel& power) {
  const auto watts = [](const Json& value, double& into) -> Status {
    if (Status got = read_finite(value, into); !got) return got;
    if (into < 0 || into > kMaxModelW) return fail("must be from 0 to 1000 watts");
    return {};
  };
  Fields fields(json);
  fields.required("idle_w", power.idle_w, watts).required("busy_w", power.busy_w, watts);
  return fields.check(power.busy_w >= power.idle_w, "busy_w must not be below idle_w").status();
}

Status read_welcome(const Json& json, Welcome& welcome) {
  return Fields(json)
      .required("agent_id", welcome.agent_id, read_uuid)
      .required("boot_id", welcome.boot_id, read_name)
      .required("counter", welcome.counter, Whole<uint64_t>{})
      .required("nonce", welcome.nonce, Whole<uint64_t>{})
      .optional("beat_ms", welcome.beat_ms, Whole<int64_t>{.min = 1})
      .optional("telemetry_ms", welcome.telemetry_ms, Whole<int64_t>{.min = 1})
      .optional("power", welcome.power, read_power_model)
      .status();
}

OutJson to_json(const Refusal& refusal) {
  return {{"agent_id", refusal.agent_id}, {"why", to_utf8(refusal.why, kMaxLongTextBytes)}};
}

Status read_refusal(const Json& json, Refusal& refusal) {
  return Fields(json)
      .required("agent_id", refusal.agent_id, read_uuid)
      .required("why", refusal.why, Text{kMaxLongTextBytes})
      .status();
}

OutJson launches_json(const std::vector<Launch>& launches) {
  OutJson list = OutJson::array();
  for (const Launch& launch : launches) {
    OutJson json = {{"id", bramble::to_string(launch.id)}};
    if (launch.stdin_blob) json["stdin"] = to_json(*launch.stdin_blob);
    if (!launch.files.empty()) json["files"] = files_json(launch.files);
    list.push_back(std::move(json));
  }
  return list;
}

Status read_launch(const Json& json, Launch& launch) {
  return Fields(json)
      .required("id", launch.id, read_attempt)
      .optional("stdin", launch.stdin_blob, read_blob)
      .optional("files", launch.files, read_files)
      .status();
}

OutJson specs_json(const std::map<JobId, TaskSpec>& specs) {
  OutJson json = OutJson::object();
  for (const auto& [job, spec] : specs) json[std::to_string(job)] = to_json(spec);
  return json;
}

OutJson to_json(const Echo& echo) { return {{"number", echo.number}, {"sent_ms", echo.sent_ms}}; }

Status read_echo(const Json& json, Echo& echo) {
  return Fields(json)
      .required("number", echo.number, Whole<uint64_t>{})
      .required("sent_ms", echo.sent_ms, Whole<int64_t>{})
      .status();
}

Status read_tasks(const Json& json, TasksMessage& message) {
  return Fields(json)
      .required("store", message.store, read_uuid)
      .required("term", message.term, Whole<uint64_t>{})
      .required("session", message.session, Whole<uint64_t>{})
      .optional("welcome", message.welcome, read_welcome)
      .optional("refusal", message.refusal, read_refusal)
      .optional("ask_status", message.ask_status, read_bool)
      .optional("specs", message.specs, MapOf{job_key, read_spec})
      .optional("launch", message.launch, ListOf{read_launch})
      .optional("cancel", message.cancel, ListOf{read_attempt})
      .optional("recall", message.recall, ListOf{read_attempt})
      .optional("ack", message.ack, ListOf{Whole<uint64_t>{}})
      .optional("done", message.done, ListOf{read_attempt})
      .optional("echo", message.echo, read_echo)
      .status();
}

}  // namespace

std::string encode(const TasksMessage& message) {
  OutJson json = {{"store", message.store}, {"term", message.term}, {"session", message.session}};
  if (message.welcome) json["welcome"] = to_json(*message.welcome);
  if (message.refusal) json["refusal"] = to_json(*message.refusal);
  if (message.ask_status) json["ask_status"] = true;
  if (!message.specs.empty()) json["specs"] = specs_json(message.specs);
  if (!message.launch.empty()) json["launch"] = launches_json(message.launch);
  if (!message.cancel.empty()) json["cancel"] = attempt_list(message.cancel);
  if (!message.recall.empty()) json["recall"] = attempt_list(message.recall);
  if (!message.ack.empty()) json["ack"] = message.ack;
  if (!message.done.empty()) json["done"] = attempt_list(message.done);
  if (message.echo) json["echo"] = to_json(*message.echo);
  return to_text(json);
}

template <>
Result<TasksMessage> decode<TasksMessage>(std::string_view payload) {
  return read_payload<TasksMessage>("tasks", payload, read_tasks);
}

}  // namespace bramble::wire
