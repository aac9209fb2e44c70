#include "common/wire/warden_messages.hpp"

#include "common/base/utf8.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/input_files.hpp"
#include "common/wire/json_parts.hpp"

namespace bramble::wire {
namespace {

constexpr size_t kUuidBytes = 36;

Status read_task(const Json& json, WardenTask& task) {
  std::string name;
  if (Status got = Text{}(json, name); !got) return got;
  Result<WardenTask> parsed = parse_directory_name(name);
  if (!parsed) return tl::unexpected(std::move(parsed.error()));
  task = std::move(*parsed);
  return {};
}

// An absolute path.
Status read_path(const Json& json, std::string& path) {
  if (Status got = ByteText{kMaxPathBytes}(json, path); !got) return got;
  if (!path.starts_with('/')) return fail("must be an absolute path");
  return {};
}

// --- requests ---

OutJson to_json(const WardenHello& hello) { return {{"type", "hello"}, {"protocol", hello.protocol}}; }

Status read_hello(const Json& json, WardenHello& hello) {
  return Fields(json).required("protocol", hello.protocol, Whole<int>{}).status();
}

OutJson to_json(const WardenFile& file) {
  OutJson json = {{"name", file.name}};
  if (!file.path.empty()) json["path"] = byte_text(file.path);
  return json;
}

Status read_file(const Json& json, WardenFile& file) {
  Fields fields(json);
  fields.required("name", file.name, Text{kMaxFileNameBytes}).optional("path", file.path, read_path);
  return fields.status() ? check_file_name(file.name) : fields.status();
}

OutJson to_json(const WardenStart& start) {
  OutJson json = {{"type", "start"}, {"task", directory_name(start.task)}, {"spec", to_json(start.spec)}};
  if (!start.stdin_path.empty()) json["stdin_path"] = byte_text(start.stdin_path);
  put_unless(json, "heard_ms", start.heard_ms, int64_t{0});
  for (const WardenFile& file : start.files) json["files"].push_back(to_json(file));
  return json;
}

Status read_start(const Json& json, WardenStart& start) {
  return Fields(json)
      .required("task", start.task, read_task)
      .required("spec", start.spec, read_spec)
      .optional("stdin_path", start.stdin_path, read_path)
      .optional("heard_ms", start.heard_ms, Whole<int64_t>{})
      .optional("files", start.files, ListOf{read_file})
      .status();
}

OutJson to_json(const WardenKill& kill) {
  return {{"type", "kill"}, {"task", directory_name(kill.task)}, {"outcome", to_string(kill.outcome)}};
}

Status read_kill(const Json& json, WardenKill& kill) {
  return Fields(json).required("task", kill.task, read_task).required("outcome", kill.outcome, read_outcome).status();
}

OutJson to_json(const WardenLease& lease) { return {{"type", "lease"}, {"heard_ms", lease.heard_ms}}; }

Status read_lease(const Json& json, WardenLease& lease) {
  return Fields(json).required("heard_ms", lease.heard_ms, Whole<int64_t>{}).status();
}

OutJson to_json(const WardenForget& forget) {
  OutJson tasks = OutJson::array();
  for (const WardenTask& task : forget.tasks) tasks.push_back(directory_name(task));
  return {{"type", "forget"}, {"tasks", std::move(tasks)}};
}

Status read_forget(const Json& json, WardenForget& forget) {
  return Fields(json).required("tasks", forget.tasks, ListOf{read_task}).status();
}

OutJson to_json(const WardenAskUsage&) { return {{"type", "ask_usage"}}; }

OutJson to_json(const WardenPing&) { return {{"type", "ping"}}; }

// --- reports ---

OutJson to_json(const WardenStarted& started) {
  const WardenStarted defaults;
  OutJson json = {{"type", "started"},
                  {"task", directory_name(started.task)},
                  {"pid", started.pid},
                  {"started_wall_ms", started.started_wall_ms}};
  put_unless(json, "cpus", started.cpus, defaults.cpus);
  put_unless(json, "memory_bytes", started.memory_bytes, defaults.memory_bytes);
  put_unless(json, "resources", started.resources, defaults.resources);
  put_unless(json, "lease_ms", started.lease_ms, defaults.lease_ms);
  return json;
}

Status read_started(const Json& json, WardenStarted& started) {
  return Fields(json)
      .required("task", started.task, read_task)
      .required("pid", started.pid, Whole<int64_t>{})
      .required("started_wall_ms", started.started_wall_ms, Whole<int64_t>{})
      .optional("cpus", started.cpus, Whole<uint32_t>{.min = 1})
      .optional("memory_bytes", started.memory_bytes, Whole<uint64_t>{})
      .optional("resources", started.resources, read_resources)
      .optional("lease_ms", started.lease_ms, Whole<int64_t>{})
      .status();
}

OutJson to_json(const WardenOutput& output) {
  return {{"type", "output"},
          {"task", directory_name(output.task)},
          {"stdout_bytes", output.stdout_bytes},
          {"stderr_bytes", output.stderr_bytes}};
}

Status read_grown(const Json& json, WardenOutput& output) {
  return Fields(json)
      .required("task", output.task, read_task)
      .required("stdout_bytes", output.stdout_bytes, Whole<uint64_t>{})
      .required("stderr_bytes", output.stderr_bytes, Whole<uint64_t>{})
      .status();
}

OutJson to_json(const WardenExited& exited) {
  return {{"type", "exited"}, {"task", directory_name(exited.task)}, {"result", to_json(exited.result)}};
}

Status read_exited(const Json& json, WardenExited& exited) {
  return Fields(json)
      .required("task", exited.task, read_task)
      .required("result", exited.result, read_finished)
      .status();
}

OutJson to_json(const WardenUsage& usage) {
  return {{"type", "usage"}, {"task", directory_name(usage.task)}, {"cpu_us", usage.cpu_us}};
}

Status read_usage(const Json& json, WardenUsage& usage) {
  return Fields(json)
      .required("task", usage.task, read_task)
      .required("cpu_us", usage.cpu_us, Whole<uint64_t>{})
      .status();
}

OutJson to_json(const WardenPong&) { return {{"type", "pong"}}; }

OutJson to_json(const WardenRefused& refused) {
  OutJson json = {{"type", "refused"}};
  if (!refused.task.store.empty()) json["task"] = directory_name(refused.task);
  json["why"] = to_utf8(refused.why, kMaxLongTextBytes);
  return json;
}

Status read_refused(const Json& json, WardenRefused& refused) {
  return Fields(json)
      .optional("task", refused.task, read_task)
      .required("why", refused.why, Text{kMaxLongTextBytes})
      .status();
}

OutJson to_json(const WardenState& state) {
  OutJson json = {{"type", "state"}, {"protocol", state.protocol}, {"pid", state.pid}, {"slots", state.slots}};
  if (!state.note.empty()) json["note"] = to_utf8(state.note, kMaxLongTextBytes);
  if (state.containment != Containment{}) json["containment"] = to_json(state.containment);
  if (!state.directory.empty()) json["directory"] = byte_text(state.directory);
  OutJson& running = json["running"] = OutJson::array();
  for (const WardenStarted& started : state.running) running.push_back(to_json(started));
  OutJson& exited = json["exited"] = OutJson::array();
  for (const WardenExited& each : state.exited) exited.push_back(to_json(each));
  if (state.more) json["more"] = true;
  return json;
}

Status read_state(const Json& json, WardenState& state) {
  return Fields(json)
      .required("protocol", state.protocol, Whole<int>{})
      .required("pid", state.pid, Whole<int64_t>{})
      .required("slots", state.slots, Whole<uint32_t>{})
      .optional("note", state.note, Text{kMaxLongTextBytes})
      .optional("containment", state.containment, read_containment)
      .optional("directory", state.directory, read_path)
      .optional("running", state.running, ListOf{read_started})
      .optional("exited", state.exited, ListOf{read_exited})
      .optional("more", state.more, read_bool)
      .status();
}

// Reads one alternative of a variant.
template <typename Message>
Status read_as(const Json& json, auto& variant, Status (*read)(const Json&, Message&)) {
  return read(json, variant.template emplace<Message>());
}

Status read_request(const Json& json, WardenRequest& request) {
  std::string type;
  if (Status got = Fields(json).required("type", type, Text{}).status(); !got) return got;
  if (type == "hello") return read_as(json, request, read_hello);
  if (type == "start") return read_as(json, request, read_start);
  if (type == "kill") return read_as(json, request, read_kill);
  if (type == "lease") return read_as(json, request, read_lease);
  if (type == "forget") return read_as(json, request, read_forget);
  if (type == "ask_usage") {
    request = WardenAskUsage{};
    return {};
  }
  if (type == "ping") {
    request = WardenPing{};
    return {};
  }
  return fail("unknown type '" + to_utf8(type, 32) + "'");
}

Status read_report(const Json& json, WardenReport& report) {
  std::string type;
  if (Status got = Fields(json).required("type", type, Text{}).status(); !got) return got;
  if (type == "state") return read_as(json, report, read_state);
  if (type == "started") return read_as(json, report, read_started);
  if (type == "output") return read_as(json, report, read_grown);
  if (type == "exited") return read_as(json, report, read_exited);
  if (type == "refused") return read_as(json, report, read_refused);
  if (type == "usage") return read_as(json, report, read_usage);
  if (type == "pong") {
    report = WardenPong{};
    return {};
  }
  return fail("unknown type '" + to_utf8(type, 32) + "'");
}

}  // namespace

std::string directory_name(const WardenTask& task) {
  return task.store + "." + std::to_string(task.id.job) + "." + std::to_string(task.id.task) + "." +
         std::to_string(task.id.attempt);
}

Result<WardenTask> parse_directory_name(std::string_view name) {
  const std::string_view store = name.substr(0, kUuidBytes);
  const bool shaped = is_uuid(store) && name.size() > kUuidBytes && name[kUuidBytes] == '.';
  if (!shaped) return fail("not an attempt's name (STORE.JOB.TASK.ATTEMPT)");
  std::string key(name.substr(kUuidBytes + 1));
  for (char& c : key) {
    if (c == '/') return fail("not an attempt's name (STORE.JOB.TASK.ATTEMPT)");
    if (c == '.') c = '/';
  }
  Result<AttemptKey> id = parse_attempt_key(key);
  if (!id) return tl::unexpected(std::move(id.error()));
  return WardenTask{std::string(store), *id};
}

std::string encode(const WardenRequest& request) {
  return to_text(std::visit([](const auto& each) { return to_json(each); }, request));
}

std::string encode(const WardenReport& report) {
  return to_text(std::visit([](const auto& each) { return to_json(each); }, report));
}

Result<WardenRequest> decode_warden_request(std::string_view json) {
  return read_payload<WardenRequest>("request to the warden", json, read_request, kMaxWardenFrameBytes);
}

Result<WardenReport> decode_warden_report(std::string_view json) {
  return read_payload<WardenReport>("the warden's report", json, read_report, kMaxWardenFrameBytes);
}

std::string encode_exit_record(const WardenExited& exited) { return to_text(to_json(exited)); }

Result<WardenExited> decode_exit_record(std::string_view json) {
  return read_payload<WardenExited>("exit record", json, read_exited, kMaxWardenFrameBytes);
}

std::string encode_start_record(const WardenStart& start) { return to_text(to_json(start)); }

Result<WardenStart> decode_start_record(std::string_view json) {
  return read_payload<WardenStart>("start record", json, read_start, kMaxWardenFrameBytes);
}

}  // namespace bramble::wire
