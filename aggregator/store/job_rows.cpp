#include "aggregator/store/job_rows.hpp"

#include <nlohmann/json.hpp>

#include "aggregator/store/names.hpp"
#include "common/wire/codec.hpp"

namespace bramble::aggregator {
namespace {

using Json = nlohmann::json;

// Text from outside has been checked for UTF-8 where it came in; should some slip through, a replaced character is
// better than a job that cannot be stored.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

template <typename Value>
Result<Value> parse_json(std::string_view text) {
  try {
    return Json::parse(text).get<Value>();
  } catch (const Json::exception& error) {
    return fail(ErrorCode::corrupt, std::string("jobs.db is damaged (") + error.what() +
                                        "): restore a backup, or move it away to start with an empty one");
  }
}

template <typename Value>
Status assign_json(std::string_view text, Value& target) {
  auto value = parse_json<Value>(text);
  if (!value) return tl::unexpected<Error>(value.error());
  target = std::move(*value);
  return {};
}

std::optional<wire::BlobRef> read_blob_ref(const sqlite::Statement& row, int at) {
  if (row.is_null(at)) return std::nullopt;
  return wire::BlobRef{row.string(at), row.natural(at + 1)};
}

std::optional<WallTime> read_time(const sqlite::Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return WallTime{row.integer(column)};
}

Result<wire::TaskSpec> read_task_spec(const sqlite::Statement& row, int at) {
  wire::TaskSpec spec;
  if (Status status = assign_json(row.text(at), spec.argv); !status) return tl::unexpected<Error>(status.error());
  if (Status status = assign_json(row.text(at + 1), spec.env); !status) return tl::unexpected<Error>(status.error());
  if (Status status = assign_json(row.text(at + 2), spec.resources); !status) {
    return tl::unexpected<Error>(status.error());
  }
  spec.cpus = row.natural32(at + 3);
  spec.memory_bytes = row.natural(at + 4);
  spec.time_limit_ms = row.integer(at + 5);
  spec.kill_grace_ms = row.integer(at + 6);
  spec.stdout_cap_bytes = row.natural(at + 7);
  spec.stderr_cap_bytes = row.natural(at + 8);
  return spec;
}

Result<JobSpec> read_spec(const sqlite::Statement& row) {
  JobSpec spec;
  spec.submit_id = row.string(1);
  spec.name = row.string(2);
  spec.owner = row.string(3);
  spec.priority = static_cast<int32_t>(row.integer(4));
  spec.retries = row.natural32(5);
  spec.max_running = row.natural32(6);
  const auto policy = parse_policy(row.text(7));
  if (!policy) return tl::unexpected<Error>(policy.error());
  spec.on_node_loss = *policy;
  spec.array = row.integer(8) != 0;
  spec.per_task_input = row.integer(9) != 0;
  spec.stdin_blob = read_blob_ref(row, 10);
  auto task = read_task_spec(row, 12);
  if (!task) return tl::unexpected<Error>(task.error());
  spec.task = std::move(*task);
  return spec;
}

Result<JobProgress> read_progress(const sqlite::Statement& row, int at) {
  JobProgress progress;
  const auto state = parse_job_state(row.text(at));
  if (!state) return tl::unexpected<Error>(state.error());
  progress.state = *state;
  progress.range = {row.natural32(at + 1), row.natural32(at + 2), row.natural32(at + 3)};
  progress.open = row.integer(at + 4) != 0;
  progress.cancel_requested = row.integer(at + 5) != 0;
  progress.next_position = row.natural(at + 6);
  progress.counts = {row.natural(at + 7), row.natural(at + 8), row.natural(at + 9), row.natural(at + 10)};
  progress.ended = read_time(row, at + 11).value_or(WallTime{});
  progress.retried = row.natural32(at + 12);
  return progress;
}

Result<wire::Finished> read_finished(const sqlite::Statement& row, int at) {
  const auto outcome = wire::parse_outcome(row.text(at));
  if (!outcome) return tl::unexpected<Error>(outcome.error());
  wire::Finished finished;
  finished.outcome = *outcome;
  finished.code = static_cast<int>(row.integer(at + 1));
  finished.signal = static_cast<int>(row.integer(at + 2));
  finished.text = row.string(at + 3);
  finished.started_wall_ms = row.integer(at + 4);
  finished.duration_ms = row.integer(at + 5);
  finished.cpu_ms = row.integer(at + 6);
  finished.peak_memory_bytes = row.natural(at + 7);
  finished.out = {row.natural(at + 8), row.natural(at + 9), {}};
  finished.err = {row.natural(at + 10), row.natural(at + 11), {}};
  finished.energy_j = row.real(at + 12) / 1e3;  // NULL reads as 0
  finished.energy_measured_j = row.real(at + 13) / 1e3;
  return finished;
}

}  // namespace

std::string argv_json(const wire::TaskSpec& spec) { return dump(Json(spec.argv)); }
std::string env_json(const wire::TaskSpec& spec) { return dump(Json(spec.env)); }
std::string resources_json(const std::map<std::string, int64_t>& resources) { return dump(Json(resources)); }
std::string labels_json(const std::map<std::string, std::string>& labels) { return dump(Json(labels)); }

std::optional<std::string> files_json(const std::vector<wire::InputFile>& files) {
  if (files.empty()) return std::nullopt;
  Json list = Json::array();
  for (const auto& file : files) {
    list.push_back({{"name", file.name}, {"sha256", file.blob.sha256}, {"size_bytes", file.blob.size_bytes}});
  }
  return dump(list);
}

Result<std::vector<wire::InputFile>> read_files(const sqlite::Statement& row, int at) {
  std::vector<wire::InputFile> files;
  if (row.is_null(at)) return files;
  const auto list = parse_json<std::vector<std::map<std::string, Json>>>(row.text(at));
  if (!list) return tl::unexpected<Error>(list.error());
  try {
    for (const auto& file : *list) {
      files.push_back({file.at("name"), {file.at("sha256"), file.at("size_bytes").get<uint64_t>()}});
    }
  } catch (const std::exception& error) {
    return fail(ErrorCode::corrupt, std::string("jobs.db is damaged (") + error.what() + "): restore a backup");
  }
  return files;
}

Result<JobRecord> read_job(const sqlite::Statement& row) {
  JobRecord job;
  job.id = row.natural(0);
  auto spec = read_spec(row);
  if (!spec) return tl::unexpected<Error>(spec.error());
  job.spec = std::move(*spec);
  job.submitted = {row.integer(21)};
  const auto progress = read_progress(row, 22);
  if (!progress) return tl::unexpected<Error>(progress.error());
  job.progress = *progress;
  job.progress.checkpoint = read_blob_ref(row, 45);
  job.spec.crash_limit = row.natural32(35);
  job.spec.task.lease_ms = row.integer(36);
  const auto isolate = wire::parse_isolation(row.text(37));
  if (!isolate) return tl::unexpected<Error>(isolate.error());
  job.spec.task.isolate = *isolate;
  job.spec.task.network = row.integer(38) != 0;
  auto where = parse_constraints(row.text(39), row.text(40));
  if (!where) return tl::unexpected<Error>(where.error());
  job.spec.where = std::move(*where);
  if (!row.is_null(41)) job.spec.task.calls = {row.integer(41), row.integer(42), row.natural32(43)};
  auto files = read_files(row, 44);
  if (!files) return tl::unexpected<Error>(files.error());
  job.spec.task.files = std::move(*files);
  return job;
}

Result<TaskRow> read_task(const sqlite::Statement& row) {
  TaskRow task;
  task.record.key = {row.natural(0), row.natural32(1)};
  const auto state = parse_task_state(row.text(2));
  if (!state) return tl::unexpected<Error>(state.error());
  task.record.state = *state;
  task.record.attempts = row.natural32(3);
  task.record.failures = row.natural32(4);
  task.record.stdin_blob = read_blob_ref(row, 5);
  task.committed_attempt = row.natural32(7);
  task.record.crashes = row.natural32(8);
  auto files = read_files(row, 9);
  if (!files) return tl::unexpected<Error>(files.error());
  task.record.files = std::move(*files);
  return task;
}

Result<AttemptRow> read_attempt(const sqlite::Statement& row) {
  AttemptRow attempt;
  attempt.record.key = {row.natural(0), row.natural32(1), row.natural32(2)};
  attempt.record.node = row.string(3);
  attempt.record.session = row.natural(4);
  attempt.record.assigned = {row.integer(5)};
  attempt.record.started = read_time(row, 6);
  attempt.ended = read_time(row, 7);
  attempt.outcome = row.string(8);
  if (row.is_null(9)) return attempt;
  auto result = read_finished(row, 9);
  if (!result) return tl::unexpected<Error>(result.error());
  attempt.result = std::move(*result);
  return attempt;
}

Result<NodeRecord> read_node(const sqlite::Statement& row) {
  NodeRecord node;
  wire::NodeStatus& status = node.status;
  status.node = row.string(0);
  status.agent_id = row.string(1);
  status.machine_id = row.string(2);
  status.boot_id = row.string(3);
  status.counter = row.natural(4);
  status.online = row.integer(5) != 0;
  status.reason = row.string(6);
  status.protocol = static_cast<int>(row.integer(7));
  status.version = row.string(8);
  status.model = row.string(9);
  status.arch = row.string(10);
  status.cores = row.natural32(11);
  status.memory_bytes = row.natural(12);
  if (Status parsed = assign_json(row.text(13), status.resources); !parsed) {
    return tl::unexpected<Error>(parsed.error());
  }
  if (Status parsed = assign_json(row.text(14), status.labels); !parsed) return tl::unexpected<Error>(parsed.error());
  node.first_seen = {row.integer(15)};
  node.last_seen = {row.integer(16)};
  node.drained = row.integer(17) != 0;
  node.drain_reason = row.string(18);
  node.agent_session = row.natural(19);
  node.boot_session = row.natural(20);
  if (!row.is_null(21) && !row.is_null(22)) node.power = wire::PowerModel{row.real(21), row.real(22)};
  auto containment = wire::decode_containment(row.text(23));
  if (!containment) return tl::unexpected<Error>(containment.error());
  status.containment = std::move(*containment);
  return node;
}

}  // namespace bramble::aggregator
