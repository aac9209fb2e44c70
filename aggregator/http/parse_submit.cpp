#include <limits>

#include "aggregator/http/json_input.hpp"
#include "aggregator/http/requests.hpp"
#include "common/base/ids.hpp"
#include "common/base/nearest.hpp"
#include "common/wire/codec.hpp"

namespace bramble::aggregator::http {
namespace {

constexpr uint32_t kMaxU32 = std::numeric_limits<uint32_t>::max();

Status read_argv(const Json& value, const std::string& name, std::vector<std::string>& into) {
  if (!value.is_array() || value.empty()) return fail(name + " must be a list of texts: the command and its arguments");
  if (value.size() > kMaxArguments) {
    return fail(name + " has " + std::to_string(value.size()) + " entries; at most " + std::to_string(kMaxArguments) +
                " are allowed: hand more over on standard input");
  }
  for (const Json& entry : value) {
    const std::string place = name + "[" + std::to_string(into.size()) + "]";
    const TextRule rule{into.empty() ? size_t{1} : size_t{0}, kMaxCommandBytes, false};
    if (Status good = check_text(entry, place, rule); !good) return good;
    into.push_back(entry.get<std::string>());
  }
  return {};
}

Status read_env(const Json& value, const std::string& name, std::vector<std::pair<std::string, std::string>>& into) {
  if (!value.is_object()) return fail(name + " must be an object of names and texts");
  if (value.size() > kMaxVariables) {
    return fail(name + " has " + std::to_string(value.size()) + " variables; at most " + std::to_string(kMaxVariables) +
                " are allowed");
  }
  for (const auto& [key, entry] : value.items()) {
    if (key.empty() || key.find('=') != std::string::npos || key.find('\0') != std::string::npos) {
      return fail(name + ": a variable's name must not be empty and must not hold '='");
    }
    if (Status good = check_text(entry, name + "." + key, {0, kMaxCommandBytes, false}); !good) return good;
    into.emplace_back(key, entry.get<std::string>());
  }
  return {};
}

Status read_resources(const Json& value, const std::string& name, std::map<std::string, int64_t>& into) {
  if (!value.is_object()) return fail(name + " must be an object of names and numbers");
  if (value.size() > kMaxResources) return fail(name + " names more than " + std::to_string(kMaxResources));
  for (const auto& [key, entry] : value.items()) {
    if (!is_valid_name(key)) {
      return fail(name + ": '" + key + "' is no name of a resource: letters, digits, '-', '_' and '.' make one");
    }
    if (!entry.is_number_integer() || entry < 1 || entry > 1'000'000) {
      return fail(name + "." + key + " must be a whole number from 1 to 1000000");
    }
    into[key] = entry.get<int64_t>();
  }
  return {};
}

Status read_policy(const Json& value, const std::string& name, NodeLossPolicy& into) {
  const std::vector<NodeLossPolicy> policies{NodeLossPolicy::rerun, NodeLossPolicy::fence, NodeLossPolicy::fail};
  std::vector<std::string> words;
  for (const auto policy : policies) {
    if (value.is_string() && value.get_ref<const std::string&>() == to_string(policy)) {
      into = policy;
      return {};
    }
    words.emplace_back(to_string(policy));
  }
  if (!value.is_string()) return fail(name + " must be rerun, fence or fail");
  return fail(name + ": " + unknown("policy", value.get<std::string>(), words) + " (rerun, fence, fail)");
}

Status read_isolation(const Json& value, const std::string& name, wire::Isolation& into) {
  if (!value.is_string()) return fail(name + " must be none or sandbox");
  const auto isolation = wire::parse_isolation(value.get_ref<const std::string&>());
  if (!isolation)
    return fail(name + ": " + unknown("isolation", value.get<std::string>(), {"none", "sandbox"}) + " (none, sandbox)");
  into = *isolation;
  return {};
}

Status read_calls(const Json& value, const std::string& name, std::optional<wire::CallRules>& into) {
  wire::CallRules rules;
  Fields fields(value, name + ".", {"limit_ms", "idle_ms", "retries"});
  fields.whole<int64_t>("limit_ms", rules.limit_ms, 0, wire::kMaxCallLimitMs)
      .whole<int64_t>("idle_ms", rules.idle_ms, 0, wire::kMaxIdleMs)
      .whole<uint32_t>("retries", rules.retries, 0, wire::kMaxCallRetries);
  into = rules;
  return fields.status();
}

Status read_array(const Json& value, const std::string& name, SubmitRequest& into) {
  TaskRange range;
  Fields fields(value, name + ".", {"first", "last", "step", "max_running"});
  fields.need("first")
      .need("last")
      .whole<TaskIndex>("first", range.first, 0, kMaxU32)
      .whole<TaskIndex>("last", range.last, 0, kMaxU32)
      .whole<TaskIndex>("step", range.step, 1, kMaxU32)
      .whole<uint32_t>("max_running", into.spec.max_running, 0, kMaxU32)
      .rule(range.first <= range.last, name + ".first is above " + name + ".last")
      .rule(range.size() <= kMaxTasks, name + " has " + std::to_string(range.size()) + " tasks; at most " +
                                           std::to_string(kMaxTasks) + " are allowed");
  into.spec.array = true;
  into.range = range;
  return fields.status();
}

size_t command_bytes(const wire::TaskSpec& task) {
  size_t total = 0;
  for (const auto& argument : task.argv) total += argument.size() + 1;
  for (const auto& [name, value] : task.env) total += name.size() + value.size() + 2;
  return total;
}

const std::vector<std::string> kSubmitKeys{"argv",
                                           "name",
                                           "submit_id",
                                           "priority",
                                           "cpus",
                                           "memory_bytes",
                                           "resources",
                                           "retries",
                                           "crash_limit",
                                           "time_limit_ms",
                                           "env",
                                           "array",
                                           "on_node_loss",
                                           "max_running",
                                           "stdin",
                                           "kill_grace_ms",
                                           "stdout_cap_bytes",
                                           "stderr_cap_bytes",
                                           "per_task_input",
                                           "dry_run",
                                           "isolate",
                                           "network",
                                           "on",
                                           "arch",
                                           "calls",

                                           "files"};

void read_task(Fields& fields, wire::TaskSpec& task) {
  fields.need("argv")
      .with("argv", [&](const Json& value, const std::string& name) { return read_argv(value, name, task.argv); })
      .with("env", [&](const Json& value, const std::string& name) { return read_env(value, name, task.env); })
      .rule(command_bytes(task) <= kMaxCommandBytes,
            "argv and env together have " + std::to_string(command_bytes(task)) + " bytes; at most " +
                std::to_string(kMaxCommandBytes) + " are allowed: hand more over on standard input")
      .whole<uint32_t>("cpus", task.cpus, 1, kMaxCpus)
      .whole<uint64_t>("memory_bytes", task.memory_bytes, 0, kMaxBytes)
      .with("resources",
            [&](const Json& value, const std::string& name) { return read_resources(value, name, task.resources); })
      .whole<int64_t>("time_limit_ms", task.time_limit_ms, 0, kMaxTimeLimitMs)
      .whole<int64_t>("kill_grace_ms", task.kill_grace_ms, 0, kMaxKillGraceMs)
      .whole<uint64_t>("stdout_cap_bytes", task.stdout_cap_bytes, 0, kMaxBytes)
      .whole<uint64_t>("stderr_cap_bytes", task.stderr_cap_bytes, 0, kMaxBytes)
      .with("isolate",
            [&](const Json& value, const std::string& name) { return read_isolation(value, name, task.isolate); })
      .flag("network", task.network)
      .rule(!task.network || task.isolate == wire::Isolation::sandbox,
            "network goes with isolate: sandbox; a task that is not isolated has the network anyway")
      .with("calls", [&](const Json& value, const std::string& name) { return read_calls(value, name, task.calls); });
}

void read_job(Fields& fields, SubmitRequest& into) {
  JobSpec& spec = into.spec;
  fields.text("name", spec.name, {0, kMaxJobNameBytes})
      .text("submit_id", spec.submit_id, {1, 36})
      .rule(spec.submit_id.empty() || is_uuid(spec.submit_id), "submit_id must be a UUID in lower-case letters")
      .whole<int32_t>("priority", spec.priority, -kMaxPriority, kMaxPriority)
      .whole<uint32_t>("retries", spec.retries, 0, kMaxRetries)
      .whole<uint32_t>("crash_limit", spec.crash_limit, 0, kMaxRetries)
      .with("on_node_loss",
            [&](const Json& value, const std::string& name) { return read_policy(value, name, spec.on_node_loss); })
      .flag("per_task_input", spec.per_task_input)
      .blob("stdin", spec.stdin_blob)
      .with("files",
            [&](const Json& value, const std::string& name) { return read_files(value, name, spec.task.files); })
      .with("array", [&](const Json& value, const std::string& name) { return read_array(value, name, into); })
      .rule(!spec.task.calls || spec.per_task_input || spec.stdin_blob,
            "calls come as input: of each task (per_task_input) or of all (stdin)")
      .rule(!(spec.per_task_input && spec.array), "per_task_input and array exclude each other: tasks are appended")
      .rule(!(spec.per_task_input && spec.stdin_blob),
            "per_task_input and stdin exclude each other: each appended task brings its own");
  uint32_t max_running = spec.max_running;
  fields.whole<uint32_t>("max_running", max_running, 0, kMaxU32)
      .rule(spec.max_running == 0 || max_running == spec.max_running,
            "max_running and array.max_running say different numbers");
  spec.max_running = max_running;
}

Status read_where(Fields& fields, Constraints& into) {
  std::string on, arch;
  fields.text("on", on, {1, kMaxNodeSetBytes}).text("arch", arch, {1, kMaxNameBytes});
  if (!fields.status()) return fields.status();
  auto where = parse_constraints(on, arch);
  if (!where) return tl::unexpected(std::move(where.error()));
  into = std::move(*where);
  return {};
}

}  // namespace

Result<SubmitRequest> parse_submit(std::string_view body, const Caller& caller) {
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  SubmitRequest request;
  request.spec.owner = caller.user;
  Fields fields(*json, "", kSubmitKeys);
  read_task(fields, request.spec.task);
  read_job(fields, request);
  fields.flag("dry_run", request.dry_run);
  if (const Status read = read_where(fields, request.spec.where); !read) {
    return tl::unexpected(read.error());
  }
  return request;
}

}  // namespace bramble::aggregator::http
