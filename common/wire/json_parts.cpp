#include "common/wire/json_parts.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/base64.hpp"
#include "common/base/utf8.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/input_files.hpp"

namespace bramble::wire {
namespace {

constexpr int kMaxSignal = 128;
constexpr int64_t kMaxLeaseMs = 86'400'000;

OutJson argv_json(const std::vector<std::string>& argv) {
  OutJson list = OutJson::array();
  for (const std::string& argument : argv) list.push_back(byte_text(argument));
  return list;
}

// As in environ: "NAME=value".
OutJson env_json(const std::vector<std::pair<std::string, std::string>>& env) {
  OutJson list = OutJson::array();
  for (const auto& [name, value] : env) list.push_back(byte_text(name + "=" + value));
  return list;
}

Status read_argv(const Json& json, std::vector<std::string>& argv) {
  if (Status got = ListOf{ByteText{}}(json, argv); !got) return got;
  if (argv.empty()) return fail("must name a command");
  if (argv.front().empty()) return fail("the command must not be empty");
  return {};
}

Status read_variable(const Json& json, std::pair<std::string, std::string>& variable) {
  std::string text;
  if (Status got = ByteText{}(json, text); !got) return got;
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return fail("must be NAME=value");
  variable = {text.substr(0, equals), text.substr(equals + 1)};
  return {};
}

// One that is not known is an error: a task must not run with less than it asked for.
Status read_isolation(const Json& json, Isolation& into) {
  std::string text;
  if (Status got = Text{}(json, text); !got) return got;
  auto isolation = parse_isolation(text);
  if (!isolation) return tl::unexpected(std::move(isolation.error()));
  into = *isolation;
  return {};
}

OutJson to_json(const CallRules& rules) {
  const CallRules defaults;
  OutJson json = OutJson::object();
  put_unless(json, "limit_ms", rules.limit_ms, defaults.limit_ms);
  put_unless(json, "idle_ms", rules.idle_ms, defaults.idle_ms);
  put_unless(json, "retries", rules.retries, defaults.retries);
  return json;
}

Status read_call_rules(const Json& json, CallRules& rules) {
  return Fields(json)
      .optional("limit_ms", rules.limit_ms, Whole<int64_t>{.max = kMaxCallLimitMs})
      .optional("idle_ms", rules.idle_ms, Whole<int64_t>{.max = kMaxIdleMs})
      .optional("retries", rules.retries, Whole<uint32_t>{.max = kMaxCallRetries})
      .status();
}

OutJson to_json(const StreamResult& stream) {
  OutJson json = {{"kept_bytes", stream.kept_bytes}};
  put_unless(json, "dropped_bytes", stream.dropped_bytes, uint64_t{0});
  if (!stream.data.empty()) json["data"] = base64_encode(stream.data);
  return json;
}

Status read_stream_result(const Json& json, StreamResult& stream) {
  Fields fields(json);
  fields.required("kept_bytes", stream.kept_bytes, Whole<uint64_t>{})
      .optional("dropped_bytes", stream.dropped_bytes, Whole<uint64_t>{})
      .optional("data", stream.data, Base64{});
  return fields
      .check(stream.data.empty() || stream.data.size() == stream.kept_bytes, "data must be all kept bytes or none")
      .status();
}

Status read_file(const Json& json, InputFile& file) {
  const auto name = [](const Json& text, std::string& into) -> Status {
    if (Status got = Text{kMaxFileNameBytes}(text, into); !got) return got;
    return check_file_name(into);
  };
  if (Status got = Fields(json).required("name", file.name, name).status(); !got) return got;
  return read_blob(json, file.blob);
}

// What is no finite number from 0 on counts as unknown: a result is never refused because of its joules.
Status read_joules(const Json& json, double& joules) {
  if (!read_finite(json, joules) || joules < 0) joules = 0;
  return {};
}

}  // namespace

OutJson to_json(const TaskSpec& spec) {
  const TaskSpec defaults;
  OutJson json = {{"argv", argv_json(spec.argv)}};
  if (!spec.env.empty()) json["env"] = env_json(spec.env);
  put_unless(json, "cpus", spec.cpus, defaults.cpus);
  put_unless(json, "memory_bytes", spec.memory_bytes, defaults.memory_bytes);
  put_unless(json, "resources", spec.resources, defaults.resources);
  put_unless(json, "time_limit_ms", spec.time_limit_ms, defaults.time_limit_ms);
  put_unless(json, "kill_grace_ms", spec.kill_grace_ms, defaults.kill_grace_ms);
  put_unless(json, "stdout_cap_bytes", spec.stdout_cap_bytes, defaults.stdout_cap_bytes);
  put_unless(json, "stderr_cap_bytes", spec.stderr_cap_bytes, defaults.stderr_cap_bytes);
  put_unless(json, "lease_ms", spec.lease_ms, defaults.lease_ms);
  if (spec.isolate != defaults.isolate) json["isolate"] = to_string(spec.isolate);
  put_unless(json, "network", spec.network, defaults.network);
  if (spec.calls) json["calls"] = to_json(*spec.calls);
  if (!spec.files.empty()) json["files"] = files_json(spec.files);
  return json;
}

Status read_spec(const Json& json, TaskSpec& spec) {
  return Fields(json)
      .required("argv", spec.argv, read_argv)
      .optional("env", spec.env, ListOf{read_variable})
      .optional("cpus", spec.cpus, Whole<uint32_t>{.min = 1})
      .optional("memory_bytes", spec.memory_bytes, Whole<uint64_t>{})
      .optional("resources", spec.resources, read_resources)
      .optional("time_limit_ms", spec.time_limit_ms, Whole<int64_t>{})
      .optional("kill_grace_ms", spec.kill_grace_ms, Whole<int64_t>{})
      .optional("stdout_cap_bytes", spec.stdout_cap_bytes, Whole<uint64_t>{})
      .optional("stderr_cap_bytes", spec.stderr_cap_bytes, Whole<uint64_t>{})
      .optional("lease_ms", spec.lease_ms, Whole<int64_t>{.max = kMaxLeaseMs})
      .optional("isolate", spec.isolate, read_isolation)
      .optional("network", spec.network, read_bool)
      .optional("calls", spec.calls, read_call_rules)
      .optional("files", spec.files, read_files)
      .status();
}

OutJson to_json(const BlobRef& blob) { return {{"sha256", blob.sha256}, {"size_bytes", blob.size_bytes}}; }

Status read_blob(const Json& json, BlobRef& blob) {
  return Fields(json)
      .required("sha256", blob.sha256, read_sha256)
      .required("size_bytes", blob.size_bytes, Whole<uint64_t>{})
      .status();
}

OutJson files_json(const std::vector<InputFile>& files) {
  OutJson list = OutJson::array();
  for (const InputFile& file : files) {
    list.push_back({{"name", file.name}, {"sha256", file.blob.sha256}, {"size_bytes", file.blob.size_bytes}});
  }
  return list;
}

Status read_files(const Json& json, std::vector<InputFile>& files) {
  if (json.is_array() && json.size() > kMaxInputFiles) {
    return fail("more than " + std::to_string(kMaxInputFiles) + " entries");
  }
  if (Status got = ListOf{read_file}(json, files); !got) return got;
  return check_file_names(files);
}

OutJson to_json(const Finished& finished) {
  const Finished defaults;
  OutJson json = {{"outcome", to_string(finished.outcome)}};
  put_unless(json, "code", finished.code, defaults.code);
  put_unless(json, "signal", finished.signal, defaults.signal);
  if (!finished.text.empty()) json["text"] = to_utf8(finished.text, kMaxLongTextBytes);
  put_unless(json, "started_wall_ms", finished.started_wall_ms, defaults.started_wall_ms);
  put_unless(json, "duration_ms", finished.duration_ms, defaults.duration_ms);
  put_unless(json, "cpu_ms", finished.cpu_ms, defaults.cpu_ms);
  put_unless(json, "peak_memory_bytes", finished.peak_memory_bytes, defaults.peak_memory_bytes);
  if (std::isfinite(finished.energy_j)) put_unless(json, "energy_j", finished.energy_j, 0.0);
  if (std::isfinite(finished.energy_measured_j)) put_unless(json, "energy_measured_j", finished.energy_measured_j, 0.0);
  if (finished.out != defaults.out) json["stdout"] = to_json(finished.out);
  if (finished.err != defaults.err) json["stderr"] = to_json(finished.err);
  return json;
}

Status read_finished(const Json& json, Finished& finished) {
  Fields fields(json);
  fields.required("outcome", finished.outcome, read_outcome)
      .optional("code", finished.code, Whole<int>{.min = std::numeric_limits<int>::min()})
      .optional("signal", finished.signal, Whole<int>{.max = kMaxSignal})
      .optional("text", finished.text, Text{kMaxLongTextBytes})
      .optional("started_wall_ms", finished.started_wall_ms, Whole<int64_t>{})
      .optional("duration_ms", finished.duration_ms, Whole<int64_t>{})
      .optional("cpu_ms", finished.cpu_ms, Whole<int64_t>{})
      .optional("peak_memory_bytes", finished.peak_memory_bytes, Whole<uint64_t>{})
      .optional("energy_j", finished.energy_j, read_joules)
      .optional("energy_measured_j", finished.energy_measured_j, read_joules)
      .optional("stdout", finished.out, read_stream_result)
      .optional("stderr", finished.err, read_stream_result);
  finished.energy_measured_j = std::min(finished.energy_measured_j, finished.energy_j);
  return fields.status();
}

Status read_resources(const Json& json, std::map<std::string, int64_t>& resources) {
  return MapOf{name_key, Whole<int64_t>{}}(json, resources);
}

}  // namespace bramble::wire
