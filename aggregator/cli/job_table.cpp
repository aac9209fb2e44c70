// job list's table. Where it does not fit, columns that tell nothing new give way before names and commands are cut;
// the owner and the time, which `job info` tells, only where it would not fit otherwise.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/text.hpp"
#include "aggregator/cli/views.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr size_t kYear = sizeof("2025-") - 1;
constexpr size_t kMinutes = sizeof("2025-03-01 14:02") - 1;  // as much of a time as is shown
constexpr size_t kRoomForTexts = 24;                         // for names and commands beside their least

// What the table goes without.
struct Without {
  bool waits = false;
  bool whole_waits = false;
  bool failed = false;
  bool owner = false;
  bool year = false;
  bool submitted = false;
};

struct Shown {
  Column column;
  std::vector<std::string> cells;
};

// What failed has a column of its own, and a job whose others were cancelled says so by its state.
std::string done_of_total(const json& job) {
  const ProgressCounts counts = counts_field(job);
  return std::to_string(counts.succeeded) + "/" + std::to_string(counts.total) + (counts.open ? "+" : "");
}

std::string submitted(const json& job, bool with_year) {
  const std::string text = clock_text(number_field(job, "submitted_ms")).substr(0, kMinutes);
  return with_year || text.size() < kMinutes ? text : text.substr(kYear);
}

template <typename Cell>
Shown shown(Column column, const json& jobs, Cell cell) {
  Shown made{std::move(column), {}};
  for (const json& job : jobs) made.cells.push_back(cell(job));
  return made;
}

Shown shown_text(Column column, const json& jobs, const char* field) {
  return shown(std::move(column), jobs, [field](const json& job) { return text_field(job, field); });
}

std::vector<Shown> columns_of(const json& jobs, const Without& without) {
  std::vector<Shown> all;
  all.push_back(shown({"JOB", true}, jobs, [](const json& job) { return std::to_string(number_field(job, "job")); }));
  all.push_back(shown_text({"STATE"}, jobs, "state"));
  if (!without.waits) all.push_back(shown_text({"WAITS", false, without.whole_waits}, jobs, "waits"));
  all.push_back(shown({"DONE", true}, jobs, done_of_total));
  if (!without.failed) {
    all.push_back(
        shown({"FAILED", true}, jobs, [](const json& job) { return std::to_string(counts_field(job).failed); }));
  }
  if (!without.owner) all.push_back(shown_text({"OWNER", false, true}, jobs, "owner"));
  all.push_back(shown_text({"NAME", false, true}, jobs, "name"));
  if (!without.submitted) {
    all.push_back(shown({"SUBMITTED"}, jobs, [&](const json& job) { return submitted(job, !without.year); }));
  }
  all.push_back(shown_text({"COMMAND", false, true}, jobs, "command"));
  return all;
}

Table table_of(const json& jobs, const Without& without) {
  const std::vector<Shown> all = columns_of(jobs, without);
  std::vector<Column> columns;
  for (const Shown& each : all) columns.push_back(each.column);
  Table table(std::move(columns));
  for (size_t row = 0; row < jobs.size(); ++row) {
    std::vector<std::string> cells;
    for (const Shown& each : all) cells.push_back(each.cells[row]);
    table.add_row(std::move(cells));
    if (const std::string silence = client_silence(jobs[row]); !silence.empty()) table.add_note("open: " + silence);
  }
  return table;
}

bool all_say(const json& jobs, const char* field, const std::string& text) {
  return std::all_of(jobs.begin(), jobs.end(), [&](const json& job) { return text_field(job, field) == text; });
}

bool some_failed(const json& jobs) {
  return std::any_of(jobs.begin(), jobs.end(), [](const json& job) { return counts_field(job).failed > 0; });
}

bool has_room(const Table& table, size_t width) {
  return table.width() <= width || table.least_width() + kRoomForTexts <= width;
}

}  // namespace

Table job_table(const json& jobs, size_t width) {
  Without without;
  without.waits = all_say(jobs, "waits", "");
  Table table = table_of(jobs, without);
  const auto go_without = [&](bool Without::*part) {
    without.*part = true;
    table = table_of(jobs, without);
  };
  const bool one_owner = jobs.empty() || all_say(jobs, "owner", text_field(jobs.front(), "owner"));
  if (!has_room(table, width) && !some_failed(jobs)) go_without(&Without::failed);
  if (!has_room(table, width)) go_without(&Without::year);
  if (!has_room(table, width) && one_owner) go_without(&Without::owner);
  if (table.least_width() > width) go_without(&Without::owner);
  if (table.least_width() > width) go_without(&Without::submitted);
  if (table.least_width() > width) go_without(&Without::whole_waits);
  return table;
}

}  // namespace bramble::cli
