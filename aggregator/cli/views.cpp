#include "aggregator/cli/views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/text.hpp"
#include "common/base/duration.hpp"
#include "common/base/size.hpp"
#include "common/wire/containment.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr size_t kReasonIndent = 2;  // those behind the first stand below it
constexpr int64_t kLongSilenceMs = 60'000;
constexpr size_t kPipedColumns = 72;  // of a list that would be one line of thousands of letters

// A field as text: nothing for null, texts as they are, anything else as JSON.
std::string cell(const json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return fmt::format("{:.6g}", value.get<double>());
  return value.dump();
}

std::string cell(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? "" : cell(*found);
}

// A measured number, or "-" where nothing was measured.
std::string measured(const json& object, const char* name, const char* pattern) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return "-";
  return fmt::format(fmt::runtime(pattern), found->get<double>());
}

std::string how_ended(const json& each) {
  const std::string outcome = text_field(each, "outcome");
  if (outcome.empty()) return text_field(each, "state");
  if (outcome == "exited") return fmt::format("exit {}", number_field(each, "exit_code"));
  if (outcome == "signaled") return fmt::format("signal {}", number_field(each, "signal"));
  return outcome;
}

std::string node_state(const json& node) {
  const std::string state = text_field(node, "state");
  const std::string power = text_field(node, "power");  // of nodes that hang on a line
  const bool tells = !power.empty() && power != state && power != "unknown";
  return state + (tells ? ", " + power : "") + (flag_field(node, "drained") ? ", drained" : "");
}

std::string power(const json& node) {
  const std::string watts = measured(node, "power_w", "{:.1f}");
  return watts == "-" || flag_field(node, "power_measured") ? watts : "~" + watts;
}

// Modelled joules are marked, as modelled watts are.
std::string joules(const json& object) {
  const std::string text = measured(object, "energy_j", "{:.3g}");
  if (text == "-") return text;
  const double all_j = object["energy_j"].get<double>();
  const auto measured_part = object.find("energy_measured_j");
  const double measured_j =
      measured_part != object.end() && measured_part->is_number() ? measured_part->get<double>() : 0;
  return (measured_j >= all_j * 0.999 ? "" : "~") + text;
}

std::string energy_text(const json& job) {
  const auto all = job.find("energy_j");
  if (all == job.end() || !all->is_number()) return "";
  const double share = job.value("energy_measured_j", 0.0) / std::max(all->get<double>(), 1e-9);
  return fmt::format("{:.4g} J, {:.0f} % of it measured", all->get<double>(), share * 100);
}

std::string busy(const json& node) {
  const auto found = node.find("cpu_busy_ratio");
  if (found == node.end() || !found->is_number()) return "-";
  return fmt::format("{:.0f}%", found->get<double>() * 100);
}

std::string details(const std::vector<std::pair<std::string, std::string>>& lines) {
  std::string text;
  for (const auto& [name, value] : lines) {
    if (!value.empty()) text += fmt::format("  {:<14}{}\n", name, without_controls(value));
  }
  return text;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

std::string csv_line(const json& values) {
  std::string line;
  for (size_t i = 0; i < values.size(); ++i) line += (i == 0 ? "" : ",") + csv_field(cell(values[i]));
  return line + "\n";
}

Table try_table(const json& tasks) {
  Table table({{"TASK", true},
               {"TRY", true},
               {"NODE", false, true},
               {"ENDED"},
               {"COUNTS"},
               {"TIME", true},
               {"CPU", true},
               {"MEMORY", true},
               {"JOULES", true},
               {"TEXT", false, true}});
  for (const json& task : tasks) {
    const auto tries = task.find("tries");
    if (tries == task.end()) continue;
    for (const json& each : *tries) {
      table.add_row({cell(task, "task"), cell(each, "attempt"), cell(each, "node"), how_ended(each),
                     flag_field(each, "committed") ? "yes" : "", format_duration(number_field(each, "duration_ms")),
                     format_duration(number_field(each, "cpu_ms")),
                     format_size(static_cast<uint64_t>(number_field(each, "peak_memory_bytes"))), joules(each),
                     cell(each, "text")});
    }
  }
  return table;
}

Table node_table(const json& nodes) {
  // What changes; what a node is made of is told by `node info`.
  Table table({{"NODE", false, true},
               {"STATE", false, true},
               {"CORES", true},
               {"RUN", true},
               {"QUEUE", true},
               {"LOAD", true},
               {"BUSY", true},
               {"TEMP", true},
               {"WATTS", true},
               {"MEMORY", true},
               {"HEARD", true}});
  for (const json& node : nodes) {
    const int64_t heard_ms = number_field(node, "last_heard_ms", -1);
    table.add_row({cell(node, "node"), node_state(node), cell(node, "cores"), cell(node, "running"),
                   cell(node, "queued"), measured(node, "load1", "{:.2f}"), busy(node),
                   measured(node, "temperature_celsius", "{:.0f}"), power(node),
                   format_size(static_cast<uint64_t>(number_field(node, "memory_bytes"))),
                   heard_ms < 0 ? "never" : format_duration(heard_ms)});
  }
  return table;
}

namespace {

// A cut name or time tells nothing: such a line is rather too wide.
bool has_long_text(const json& rows, size_t column) {
  constexpr size_t kTimeBytes = sizeof("2025-03-01T14:02:11.000Z") - 1;
  return std::any_of(rows.begin(), rows.end(),
                     [&](const json& row) { return row[column].is_string() && cell(row[column]).size() > kTimeBytes; });
}

}  // namespace

Table query_table(const json& result) {
  std::vector<Column> columns;
  for (size_t i = 0; i < result["columns"].size(); ++i) {
    const bool number = !result["rows"].empty() && result["rows"][0][i].is_number();
    columns.push_back({cell(result["columns"][i]), number, has_long_text(result["rows"], i)});
  }
  Table table(std::move(columns));
  for (const json& row : result["rows"]) {
    std::vector<std::string> cells;
    for (const json& value : row) cells.push_back(cell(value));
    table.add_row(std::move(cells));
  }
  return table;
}

namespace {

// "tool (12K), big.csv (3.1M)"
std::string input_names(const json& spec) {
  std::string text;
  for (const json& file : spec.value("files", json::array())) {
    const std::string size = format_size(static_cast<uint64_t>(number_field(file, "size_bytes")));
    text += (text.empty() ? "" : ", ") + cell(file, "name") + " (" + size + ")";
  }
  return text;
}

}  // namespace

std::string client_silence(const json& job) {
  const int64_t silent_ms = number_field(job, "client_silent_ms");
  if (!flag_field(job, "open") || silent_ms < kLongSilenceMs) return "";
  return "its client last spoke " + format_duration(silent_ms) + " ago";
}

std::string job_details(const json& job) {
  const ProgressCounts counts = counts_field(job);
  const int64_t ended_ms = number_field(job, "ended_ms");
  const json spec = job.value("spec", json::object());
  const std::string silence = client_silence(job);
  return fmt::format("job {}: {}\n", cell(job, "job"), cell(job, "state")) +
         details({{"name", cell(job, "name")},
                  {"owner", cell(job, "owner")},
                  {"command", cell(job, "command")},
                  {"priority", cell(job, "priority")},
                  {"on", cell(spec, "on")},
                  {"arch", cell(spec, "arch")},
                  {"inputs", input_names(spec)},
                  {"submitted", clock_text(number_field(job, "submitted_ms"))},
                  {"ended", ended_ms > 0 ? clock_text(ended_ms) : ""},
                  {"tasks", fmt::format("{}: {} succeeded, {} failed, {} cancelled, {} running{}", counts.total,
                                        counts.succeeded, counts.failed, counts.cancelled, counts.running,
                                        counts.open ? "; more may come" : "")},
                  {"open", silence.empty() ? "" : silence + "; bramble job cancel ends it"},
                  {"energy", energy_text(job)}});
}

std::string tables_text(const json& tables, size_t width) {
  std::string text;
  for (const json& table : tables) {
    std::string columns;
    for (const json& column : table.value("columns", json::array())) columns += " " + cell(column);
    if (!columns.empty()) columns.erase(0, 1);
    text += cell(table, "table") + "\n  " + wrapped(columns, 2, width == kAnyWidth ? kPipedColumns : width) + "\n";
  }
  return text;
}

std::string explanation_text(const json& explained, size_t width) {
  const bool of_task = explained.contains("task") && explained["task"].is_number();
  std::string text;
  if (of_task) {
    text = fmt::format("task {}.{}: {}\n", cell(explained, "job"), cell(explained, "task"), cell(explained, "state"));
  } else {
    text = fmt::format("job {}: {}, {} of {} ended\n", cell(explained, "job"), cell(explained, "state"),
                       cell(explained, "ended"),
                       count_text(static_cast<uint64_t>(number_field(explained, "total")), "task"));
  }
  for (const json& reason : explained.value("reasons", json::array())) {
    const int64_t tasks = number_field(reason, "tasks");
    const std::string detail = of_task && !cell(reason, "detail").empty() ? " (" + cell(reason, "detail") + ")" : "";
    const std::string count =
        of_task || tasks == 0 ? "" : fmt::format("{}: ", count_text(static_cast<uint64_t>(tasks), "task"));
    const std::string told = without_controls(count + cell(reason, "text") + detail);  // some of it tasks have said
    text += "  " + wrapped(told, kReasonIndent, width) + "\n";
  }
  return text;
}

namespace {

std::string calibration(const json& node) {
  const std::string idle_w = measured(node, "calibrated_idle_w", "{:.2f}");
  if (idle_w == "-") return "";
  return idle_w + " W at rest, " + measured(node, "calibrated_busy_w", "{:.2f}") + " W busy";
}

std::string limits(const json& node) {
  const json told = node.value("limits", json::object());
  const auto part = [&](const char* name) { return wire::parse_enforcement(text_field(told, name)); };
  wire::Containment containment;
  containment.memory = part("memory");
  containment.cpus = part("cpus");
  containment.processes = part("processes");
  return limits_text(containment);
}

std::string sandbox(const json& node) {
  if (flag_field(node, "sandbox")) return "yes";
  const std::string why = text_field(node, "no_sandbox");
  return why.empty() ? "" : "no: " + why;
}

std::string failing_sensors(const json& node) {
  const std::string why = text_field(node, "sensor_trouble");
  return why.empty() ? "" : "failing: " + why;
}

std::string dropped_readings(const json& node) {
  const auto refused = static_cast<uint64_t>(number_field(node, "readings_refused"));
  return refused == 0 ? "" : count_text(refused, "reading") + " (it sends too many a second)";
}

}  // namespace

std::string node_details(const json& node) {
  const int64_t heard_ms = number_field(node, "last_heard_ms", -1);
  return fmt::format("node {}: {}\n", cell(node, "node"), node_state(node)) +
         details({{"drained for", cell(node, "drain_reason")},
                  {"model", cell(node, "model")},
                  {"arch", cell(node, "arch")},
                  {"version", cell(node, "version")},
                  {"cores", cell(node, "cores")},
                  {"memory", format_size(static_cast<uint64_t>(number_field(node, "memory_bytes")))},
                  {"resources", cell(node, "resources")},
                  {"labels", cell(node, "labels")},
                  {"limits", limits(node)},
                  {"sandbox", sandbox(node)},
                  {"tasks", cell(node, "running") + " running, " + cell(node, "queued") + " queued"},
                  {"load", measured(node, "load1", "{:.2f}") + ", " + busy(node) + " busy"},
                  {"temperature", measured(node, "temperature_celsius", "{:.1f} °C")},
                  {"power", power(node) + " W" + (flag_field(node, "power_measured") ? "" : " (modelled)")},
                  {"calibrated", calibration(node)},
                  {"sensors", failing_sensors(node)},
                  {"dropped", dropped_readings(node)},
                  {"last heard", heard_ms < 0 ? "never" : format_duration(heard_ms) + " ago"},
                  {"machine", cell(node, "machine_id")},
                  {"boot", cell(node, "boot_id")}});
}

bool has_no_room(const json& health) {
  return flag_field(health.value("storage", json::object()), "full") ||
         (health.contains("store_ok") && !flag_field(health, "store_ok"));
}

std::vector<std::string> hold_ups_in(const json& health) {
  std::vector<std::string> troubles;
  if (health.contains("connected") && !flag_field(health, "connected")) {
    const std::string why = text_field(health, "broker_trouble");
    troubles.push_back("the aggregator has no connection to the broker" + (why.empty() ? "" : " (" + why + ")") +
                       ": nothing is sent to nodes until it is back");
  }
  if (health.contains("store_ok") && !flag_field(health, "store_ok")) {
    troubles.push_back("the job database cannot be written (see the aggregator's log): nothing is taken until it can");
  }
  if (const std::string why = text_field(health, "gone_back"); !why.empty()) troubles.push_back(why);
  const json storage = health.value("storage", json::object());
  if (flag_field(storage, "full")) {
    troubles.push_back("the room for inputs and outputs is used up (the head's disk, or blob_quota_bytes of " +
                       format_size(static_cast<uint64_t>(number_field(storage, "quota_bytes"))) +
                       "): bramble job forget removes ended jobs");
  }
  return troubles;
}

std::vector<std::string> troubles_in(const json& health) {
  std::vector<std::string> troubles = hold_ups_in(health);
  const json telemetry = health.value("telemetry", json::object());
  if (const std::string why = text_field(telemetry, "trouble"); !why.empty()) {
    troubles.push_back("readings of the nodes cannot be stored and wait in memory: " + why);
  }
  if (const int64_t shed = number_field(telemetry, "shed"); shed > 0) {
    troubles.push_back(count_text(static_cast<uint64_t>(shed), "reading") +
                       " were dropped since the aggregator's start, because they could not be stored fast enough");
  }
  return troubles;
}

std::string query_csv(const json& result) {
  std::string text = csv_line(result["columns"]);
  for (const json& row : result["rows"]) text += csv_line(row);
  return text;
}

}  // namespace bramble::cli
