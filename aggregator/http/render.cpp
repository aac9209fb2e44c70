#include "aggregator/http/render.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "common/base/utf8.hpp"
#include "common/wire/codec.hpp"

namespace bramble::aggregator::http {
namespace {

using OutJson = nlohmann::ordered_json;

constexpr size_t kMaxCommandTextBytes = 1000;
// How a job of the Python package begins (aggregator/cli/python/bramble/_job.py): the function's name is behind it.
constexpr std::array<std::string_view, 3> kRunPython{"sh", "-c", "eval \"$BRAMBLE_RUN\""};

std::string dump(const OutJson& json) { return json.dump(-1, ' ', false, OutJson::error_handler_t::replace); }

OutJson blob_json(const std::optional<wire::BlobRef>& blob) {
  if (!blob) return nullptr;
  return {{"blob", blob->sha256}, {"size_bytes", blob->size_bytes}};
}

OutJson files_json(const std::vector<wire::InputFile>& files) {
  OutJson list = OutJson::array();
  for (const auto& file : files) {
    list.push_back({{"name", file.name}, {"blob", file.blob.sha256}, {"size_bytes", file.blob.size_bytes}});
  }
  return list;
}

// Null where no node told any.
void put_joules(OutJson& json, double energy_j, double energy_measured_j) {
  json["energy_j"] = energy_j > 0 ? OutJson(energy_j) : OutJson(nullptr);
  json["energy_measured_j"] = energy_j > 0 ? OutJson(energy_measured_j) : OutJson(nullptr);
}

OutJson counts_json(const JobRow& row) {
  const TaskCounts& counts = row.record.progress.counts;
  const uint64_t elsewhere = counts.ended() + row.assigned + row.running;
  return {{"total", counts.total},         {"waiting", counts.total - std::min(counts.total, elsewhere)},
          {"assigned", row.assigned},      {"running", row.running},
          {"succeeded", counts.succeeded}, {"failed", counts.failed},
          {"cancelled", counts.cancelled}};
}

OutJson job_json(const JobRow& row, const SilentMs& silent_ms) {
  const JobRecord& job = row.record;
  const auto silent = job.progress.open && silent_ms ? silent_ms(job) : std::nullopt;
  const bool ended = is_final(job.progress.state);
  return {{"job", job.id},
          {"name", job.spec.name},
          {"owner", job.spec.owner},
          {"state", to_string(job.progress.state)},
          {"priority", job.spec.priority},
          {"open", job.progress.open},
          {"client_silent_ms", silent ? OutJson(*silent) : OutJson(nullptr)},
          {"submitted_ms", job.submitted.ms},
          {"ended_ms", ended ? OutJson(job.progress.ended.ms) : OutJson(nullptr)},
          {"command", command_text(job.spec.task.argv)},
          {"tasks", counts_json(row)}};
}

OutJson calls_json(const std::optional<wire::CallRules>& calls) {
  if (!calls) return nullptr;
  return {{"limit_ms", calls->limit_ms}, {"idle_ms", calls->idle_ms}, {"retries", calls->retries}};
}

OutJson spec_json(const JobRecord& job) {
  const JobSpec& spec = job.spec;
  const wire::TaskSpec& task = spec.task;
  OutJson env = OutJson::object();
  for (const auto& [name, value] : task.env) env[name] = value;
  OutJson json = {{"argv", task.argv},
                  {"name", spec.name},
                  {"submit_id", spec.submit_id},
                  {"priority", spec.priority},
                  {"cpus", task.cpus},
                  {"memory_bytes", task.memory_bytes},
                  {"resources", task.resources},
                  {"time_limit_ms", task.time_limit_ms},
                  {"kill_grace_ms", task.kill_grace_ms},
                  {"retries", spec.retries},
                  {"crash_limit", spec.crash_limit},
                  {"env", std::move(env)},
                  {"on_node_loss", to_string(spec.on_node_loss)},
                  {"max_running", spec.max_running},
                  {"stdin", blob_json(spec.stdin_blob)},
                  {"files", files_json(task.files)},
                  {"stdout_cap_bytes", task.stdout_cap_bytes},
                  {"stderr_cap_bytes", task.stderr_cap_bytes},
                  {"per_task_input", spec.per_task_input},
                  {"isolate", wire::to_string(task.isolate)},
                  {"network", task.network},
                  {"on", spec.where.on},
                  {"arch", spec.where.arch},
                  {"calls", calls_json(task.calls)}};
  const TaskRange& range = job.progress.range;
  json["array"] =
      spec.array ? OutJson{{"first", range.first}, {"last", range.last}, {"step", range.step}} : OutJson(nullptr);
  return json;
}

std::string_view try_state(const AttemptRow& row) {
  if (!row.outcome.empty()) return "ended";
  return row.record.started ? "running" : "assigned";
}

OutJson time_json(const std::optional<WallTime>& time) { return time ? OutJson(time->ms) : OutJson(nullptr); }

OutJson try_json(const AttemptRow& row) {
  OutJson json = {{"attempt", row.record.key.attempt},
                  {"node", row.record.node},
                  {"state", try_state(row)},
                  {"outcome", row.outcome.empty() ? OutJson(nullptr) : OutJson(row.outcome)},
                  {"exit_code", nullptr},
                  {"signal", nullptr},
                  {"text", ""},
                  {"assigned_ms", row.record.assigned.ms},
                  {"started_ms", time_json(row.record.started)},
                  {"ended_ms", time_json(row.ended)},
                  {"duration_ms", nullptr},
                  {"cpu_ms", nullptr},
                  {"peak_memory_bytes", nullptr},
                  {"energy_j", nullptr},
                  {"energy_measured_j", nullptr},
                  {"committed", row.committed}};
  if (!row.result) return json;
  const wire::Finished& result = *row.result;
  const bool never_ran = result.outcome == wire::Outcome::start_failed && result.code != 0;  // 126 or 127, as in shells
  if (result.outcome == wire::Outcome::exited || never_ran) json["exit_code"] = result.code;
  if (result.signal != 0) json["signal"] = result.signal;
  json["text"] = result.text;
  json["duration_ms"] = result.duration_ms;
  json["cpu_ms"] = result.cpu_ms;
  json["peak_memory_bytes"] = result.peak_memory_bytes;
  put_joules(json, result.energy_j, result.energy_measured_j);
  return json;
}

OutJson task_json(const TaskRow& row) {
  OutJson tries = OutJson::array();
  for (const AttemptRow& attempt : row.attempts) tries.push_back(try_json(attempt));
  return {{"task", row.record.key.task},
          {"state", to_string(row.record.state)},
          {"attempts", row.record.attempts},
          {"failures", row.record.failures},
          {"committed_attempt", row.committed_attempt},
          {"stdin", blob_json(row.record.stdin_blob)},
          {"files", files_json(row.record.files)},
          {"tries", std::move(tries)}};
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_./=:,@%+").find(c) != std::string_view::npos;
}

std::string quoted(const std::string& argument) {
  if (!argument.empty() && std::all_of(argument.begin(), argument.end(), is_plain)) return argument;
  std::string text = "'";
  for (const char c : argument) {
    text += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return text + "'";
}

// A number only where the text is one: JSON has no word for infinity.
std::string cell(const SqlValue& value) {
  using Kind = SqlValue::Kind;
  if (value.kind == Kind::null) return "null";
  if (value.kind == Kind::text) return dump(OutJson(value.text));
  const OutJson number = OutJson::parse(value.text, nullptr, false);
  return number.is_number() ? value.text : dump(OutJson(value.text));
}

std::string row_text(const std::vector<SqlValue>& row) {
  std::string text = "[";
  for (const SqlValue& value : row) text += (text.size() > 1 ? "," : "") + cell(value);
  return text + "]";
}

}  // namespace

std::string command_text(const std::vector<std::string>& argv) {
  if (argv.size() > kRunPython.size() && std::equal(kRunPython.begin(), kRunPython.end(), argv.begin())) {
    return "python: " + to_utf8(argv[kRunPython.size()], kMaxCommandTextBytes);
  }
  std::string text;
  for (const std::string& argument : argv) {
    if (text.size() > kMaxCommandTextBytes) break;
    text += (text.empty() ? "" : " ") + quoted(argument);
  }
  if (text.size() <= kMaxCommandTextBytes) return to_utf8(text, kMaxCommandTextBytes);
  return to_utf8(text, kMaxCommandTextBytes) + "...";
}

std::string render_jobs(std::span<const JobRow> rows, const SilentMs& silent_ms) {
  std::string text = "[";
  for (const JobRow& row : rows) text += (text.size() > 1 ? "," : "") + dump(job_json(row, silent_ms));
  return text + "]";
}

std::string render_job(const JobRow& row, const JobEnergy& energy, const SilentMs& silent_ms) {
  OutJson json = job_json(row, silent_ms);
  put_joules(json, energy.energy_j, energy.energy_measured_j);
  json["spec"] = spec_json(row.record);
  json["checkpoint"] = blob_json(row.record.progress.checkpoint);
  return dump(json);
}

std::string render_tasks(std::span<const TaskRow> rows) {
  std::string text = "[";
  for (const TaskRow& row : rows) text += (text.size() > 1 ? "," : "") + dump(task_json(row));
  return text + "]";
}

std::string render_audit(std::span<const AuditRow> rows) {
  OutJson list = OutJson::array();
  for (const auto& [id, record] : rows) {
    list.push_back({{"id", id},
                    {"at_ms", record.at.ms},
                    {"who", record.who},
                    {"node", record.node},
                    {"action", record.action},
                    {"why", record.why},
                    {"result", record.result}});
  }
  return dump(list);
}

std::string render_ended_watch(const JobRow& row, uint64_t version) {
  return dump({{"version", version},
               {"state", to_string(row.record.progress.state)},
               {"open", row.record.progress.open},
               {"tasks", counts_json(row)},
               {"eta_ms", nullptr}});
}

std::string render_table(const SqlTable& table, size_t max_bytes) {
  std::string text = "{\"columns\":" + dump(OutJson(table.columns)) + ",\"rows\":[";
  bool truncated = table.truncated;
  bool first = true;
  for (const auto& row : table.rows) {
    const std::string line = row_text(row);
    if (text.size() + line.size() > max_bytes) {
      truncated = true;
      break;
    }
    text += (first ? "" : ",") + line;
    first = false;
  }
  return text + "],\"truncated\":" + (truncated ? "true" : "false") + "}";
}

}  // namespace bramble::aggregator::http
