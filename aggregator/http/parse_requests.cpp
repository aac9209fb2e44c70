#include <algorithm>
#include <cmath>
#include <limits>

#include "aggregator/http/json_input.hpp"
#include "aggregator/http/requests.hpp"
#include "common/base/ids.hpp"

namespace bramble::aggregator::http {
namespace {

constexpr size_t kMaxWordBytes = 16;
constexpr size_t kMaxSetBytes = 16 << 10;  // a selector or a node set as people write them

Status read_inputs(const Json& value, const std::string& name, std::vector<TaskInput>& into) {
  if (!value.is_array()) return fail(name + " must be a list of objects");
  if (value.size() > kMaxAppendedTasks) {
    return fail(name + " has " + std::to_string(value.size()) + " entries; append at most " +
                std::to_string(kMaxAppendedTasks) + " at once");
  }
  for (const Json& entry : value) {
    const std::string place = name + "[" + std::to_string(into.size()) + "].";
    std::optional<wire::BlobRef> blob;
    TaskInput& input = into.emplace_back();
    Fields fields(entry, place, {"stdin", "files"});
    fields.need("stdin").blob("stdin", blob).with("files", [&](const Json& files, const std::string& files_name) {
      return read_files(files, files_name, input.files);
    });
    if (!fields.status()) return fields.status();
    input.stdin_blob = std::move(*blob);
  }
  return {};
}

Status read_uuid(const Json& value, const std::string& name, std::string& into) {
  if (!value.is_string() || !is_uuid(value.get_ref<const std::string&>())) {
    return fail(name + " must be a UUID in lower case");
  }
  into = value.get<std::string>();
  return {};
}

// {"jobs": SELECTOR}
Result<JobSelector> parse_only_jobs(std::string_view body) {
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  std::string text;
  Fields fields(*json, "", {"jobs"});
  fields.need("jobs").text("jobs", text, {1, kMaxSetBytes});
  if (!fields.status()) return tl::unexpected(fields.status().error());
  return parse_job_selector(text);
}

}  // namespace

Result<AppendRequest> parse_append(std::string_view body, JobId job) {
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  AppendRequest request{job, 0, {}};
  Fields fields(*json, "", {"first", "tasks"});
  fields.need("first")
      .need("tasks")
      .whole<TaskIndex>("first", request.first, 0, static_cast<TaskIndex>(kMaxTasks))
      .with("tasks",
            [&](const Json& value, const std::string& name) { return read_inputs(value, name, request.tasks); })
      .rule(request.first + request.tasks.size() <= kMaxTasks,
            "a job has at most " + std::to_string(kMaxTasks) + " tasks");
  if (!fields.status()) return tl::unexpected(fields.status().error());
  return request;
}

Result<KnownBlob> parse_keep(std::string_view body) {
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  Json with_size = *json;
  const bool sized = json->contains("size_bytes");
  if (!sized) with_size["size_bytes"] = 0;
  wire::BlobRef blob;
  if (Status status = read_blob(with_size, "", blob); !status) return tl::unexpected(status.error());
  return KnownBlob{blob.sha256, sized ? std::optional(blob.size_bytes) : std::nullopt};
}

Result<CheckpointRequest> parse_checkpoint(std::string_view body, JobId job) {
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  CheckpointRequest request{job, {}};
  if (Status status = read_blob(*json, "", request.blob); !status) return tl::unexpected(status.error());
  return request;
}

Status parse_close(std::string_view body) {
  if (body.empty()) return {};
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  return Fields(*json, "", {}).status();
}

Result<Cancellation> parse_cancel(std::string_view body) {
  auto jobs = parse_only_jobs(body);
  if (!jobs) return tl::unexpected(jobs.error());
  return Cancellation{std::move(*jobs)};
}

Result<Forgetting> parse_forget(std::string_view body) {
  auto jobs = parse_only_jobs(body);
  if (!jobs) return tl::unexpected(jobs.error());
  return Forgetting{std::move(*jobs)};
}

namespace {

// [[TASK, OFFSET, BYTES]...]
Status read_parts(const Json& value, const std::string& name, std::vector<Gathering::Part>& into) {
  if (!value.is_array() || value.size() > kMaxGatheredParts) {
    return fail(name + " must be a list of at most " + std::to_string(kMaxGatheredParts) + " parts");
  }
  for (const Json& part : value) {
    const auto whole = [](const Json& number) { return number.is_number_unsigned(); };
    if (!part.is_array() || part.size() != 3 || !std::all_of(part.begin(), part.end(), whole) ||
        part[0].get<uint64_t>() > std::numeric_limits<TaskIndex>::max() || part[2].get<uint64_t>() > kMaxBytes) {
      return fail(name + "[" + std::to_string(into.size()) + "] must be [TASK, OFFSET, BYTES]");
    }
    into.push_back({part[0].get<TaskIndex>(), part[1].get<uint64_t>(), part[2].get<uint64_t>()});
  }
  return {};
}

Status check_sum(const std::vector<Gathering::Part>& parts) {
  uint64_t room_bytes = kMaxGatheredBytes;
  for (const Gathering::Part& part : parts) {
    if (part.size_bytes > room_bytes) {
      return fail(ErrorCode::limit,
                  "the parts have more than " + std::to_string(kMaxGatheredBytes >> 30) +
                      " GiB together: put fewer of them into one blob (bramble map: more --partitions)");
    }
    room_bytes -= part.size_bytes;
  }
  return {};
}

}  // namespace

Result<Gathering> parse_gather(std::string_view body) {
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  Gathering gathering;
  Fields fields(*json, "", {"job", "parts"});
  fields.need("job")
      .need("parts")
      .whole<JobId>("job", gathering.job, 1, std::numeric_limits<JobId>::max())
      .with("parts",
            [&](const Json& value, const std::string& name) { return read_parts(value, name, gathering.parts); });
  if (!fields.status()) return tl::unexpected(fields.status().error());
  if (Status status = check_sum(gathering.parts); !status) return tl::unexpected(status.error());
  return gathering;
}

Result<Retrying> parse_retry(std::string_view body) {
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  Retrying retrying;
  std::string text;
  Fields fields(*json, "", {"jobs", "all"});
  fields.need("jobs").text("jobs", text, {1, kMaxSetBytes}).flag("all", retrying.all);
  if (!fields.status()) return tl::unexpected(fields.status().error());
  auto jobs = parse_job_selector(text);
  if (!jobs) return tl::unexpected(jobs.error());
  retrying.jobs = std::move(*jobs);
  return retrying;
}

namespace {

Status read_nodes(const Json& value, const std::string& name, NodeSet& into) {
  if (Status status = check_text(value, name, {1, kMaxSetBytes}); !status) return status;
  auto nodes = parse_nodes_param(value.get<std::string>());
  if (!nodes) return tl::unexpected(nodes.error());
  into = std::move(*nodes);
  return {};
}

Status read_watts(const Json& value, const std::string& name, double& into) {
  if (!value.is_number() || !(value.get<double>() >= 0) || value.get<double>() > wire::kMaxModelW) {
    return fail(name + " must be a number of watts from 0 to " + std::to_string(std::lround(wire::kMaxModelW)));
  }
  into = value.get<double>();
  return {};
}

}  // namespace

Result<Draining> parse_drain(std::string_view body) {
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  Draining draining;
  Fields fields(*json, "", {"nodes", "reason"});
  fields.need("nodes")
      .with("nodes",
            [&](const Json& value, const std::string& name) { return read_nodes(value, name, draining.nodes); })
      .text("reason", draining.reason, {0, kMaxReasonBytes});
  if (!fields.status()) return tl::unexpected(fields.status().error());
  return draining;
}

Result<Adding> parse_add_node(std::string_view body) {
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  Adding adding;
  Fields fields(*json, "", {"node", "replace"});
  fields.need("node").text("node", adding.node, {1, kMaxNameBytes}).flag("replace", adding.replace);
  if (!fields.status()) return tl::unexpected(fields.status().error());
  return adding;
}

Result<Removing> parse_remove_nodes(std::string_view body) {
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  Removing removing;
  Fields fields(*json, "", {"nodes", "force", "reason"});
  fields.need("nodes")
      .with("nodes",
            [&](const Json& value, const std::string& name) { return read_nodes(value, name, removing.nodes); })
      .flag("force", removing.force)
      .text("reason", removing.reason, {0, kMaxReasonBytes});
  if (!fields.status()) return tl::unexpected(fields.status().error());
  if (removing.nodes.all) return fail("name the nodes that are to be removed: 'all' is not taken for it");
  return removing;
}

Result<Calibrating> parse_calibrate(std::string_view body) {
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  Calibrating calibrating;
  wire::PowerModel power;
  bool clear = false;
  const auto watts = [](double& into) {
    return [&into](const Json& value, const std::string& name) { return read_watts(value, name, into); };
  };
  Fields fields(*json, "", {"nodes", "idle_w", "busy_w", "clear"});
  fields.need("nodes")
      .with("nodes",
            [&](const Json& value, const std::string& name) { return read_nodes(value, name, calibrating.nodes); })
      .with("idle_w", watts(power.idle_w))
      .with("busy_w", watts(power.busy_w))
      .flag("clear", clear);
  const bool has_idle = json->contains("idle_w"), has_busy = json->contains("busy_w");
  fields.rule(clear ? !has_idle && !has_busy : has_idle && has_busy, "give both idle_w and busy_w, or clear alone")
      .rule(power.idle_w <= power.busy_w, "busy_w must not be below idle_w")
      .rule(clear || power.busy_w > 0, "busy_w must be more than 0: no node works without power");
  if (!fields.status()) return tl::unexpected(fields.status().error());
  if (!clear) calibrating.power = power;
  return calibrating;
}

Result<Switching> parse_switch(std::string_view body) {
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  Switching switching;
  std::string to, how = "clean";
  Fields fields(*json, "", {"nodes", "to", "how", "reason"});
  fields.need("nodes")
      .need("to")
      .need("reason")
      .with("nodes",
            [&](const Json& value, const std::string& name) { return read_nodes(value, name, switching.nodes); })
      .text("to", to, {1, kMaxWordBytes})
      .text("how", how, {1, kMaxWordBytes})
      .text("reason", switching.reason, {1, kMaxReasonBytes})
      .rule(to == "on" || to == "off" || to == "cycle" || to == "auto", "to must be on, off, cycle or auto")
      .rule(parse_power_how(how).has_value(), "how must be clean, asap or force");
  if (!fields.status()) return tl::unexpected(fields.status().error());
  using Act = PowerRequest::Act;
  switching.act = to == "on" ? Act::on : to == "off" ? Act::off : to == "cycle" ? Act::cycle : Act::automatic;
  switching.how = *parse_power_how(how);
  return switching;
}

Result<std::string> parse_reason(std::string_view body) {
  std::string reason;
  if (body.empty()) return reason;
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  Fields fields(*json, "", {"reason"});
  fields.text("reason", reason, {0, kMaxReasonBytes});
  if (!fields.status()) return tl::unexpected(fields.status().error());
  return reason;
}

Result<NodeSet> parse_nodes_param(const std::string& text) {
  if (text.size() > kMaxSetBytes) return fail("the parameter nodes is too long");
  auto nodes = parse_node_set(text.empty() ? "all" : text);
  if (nodes && !nodes->groups.empty()) {
    return fail("there is no group @" + nodes->groups.front() + ": name nodes, or all");
  }
  return nodes;
}

Result<SqlQuestion> parse_sql(std::string_view body) {
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  SqlQuestion question;
  Fields fields(*json, "", {"sql", "max_rows", "time_limit_ms", "query_id"});
  fields.need("sql")
      .text("sql", question.sql, {1, kMaxSqlBytes, false})
      .whole<size_t>("max_rows", question.max_rows, 1, kMaxSqlRows)
      .whole<int64_t>("time_limit_ms", question.time_limit_ms, 1, kMaxSqlMs)
      .with("query_id",
            [&](const Json& value, const std::string& name) { return read_uuid(value, name, question.query_id); });
  if (!fields.status()) return tl::unexpected(fields.status().error());
  return question;
}

Result<std::string> parse_query_id(std::string_view body) {
  const auto json = parse_object(body);
  if (!json) return tl::unexpected(json.error());
  std::string id;
  Fields fields(*json, "", {"query_id"});
  fields.need("query_id").with("query_id", [&](const Json& value, const std::string& name) {
    return read_uuid(value, name, id);
  });
  if (!fields.status()) return tl::unexpected(fields.status().error());
  return id;
}

}  // namespace bramble::aggregator::http
