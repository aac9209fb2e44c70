#include "aggregator/cli/energy_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/views.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr double kJoulesPerKwh = 3.6e6;

double joules(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || !found->is_number() ? 0 : found->get<double>();
}

std::string energy_text(double joules) {
  const double wh = joules / 3600;
  if (std::abs(wh) >= 1000) return fmt::format("{:.3f} kWh", wh / 1000);
  return fmt::format("{:.3f} Wh", wh);
}

std::string share_text(double energy_j, double measured_j) {
  return energy_j <= 0 ? "-" : fmt::format("{:.0f} %", std::clamp(100 * measured_j / energy_j, 0.0, 100.0));
}

// What nodes have charged attempts with that have not ended. Both ends are read at moments of their own, so that a
// hundredth means nothing.
double running_energy_j(const json& answer) {
  const double running_j = joules(answer, "unattributed_j") - joules(answer, "told_unattributed_j");
  return running_j > 0.01 * joules(answer["nodes"], "energy_j") ? running_j : 0;
}

// One line of the table or the CSV.
struct Line {
  std::string row;   // what it is
  std::string name;  // of a node, job, owner; else nothing
  std::string owner;
  double energy_j = 0;
  double measured_j = 0;
};

Line line_of(const std::string& row, const json& part) {
  return {row, text_field(part, "name"), text_field(part, "owner"), joules(part, "energy_j"),
          joules(part, "measured_j")};
}

// What is between the jobs or owners that are shown and all that the nodes used. How much of the running tasks' is
// measured is not told: as much of it as of all that is in no row.
void add_rest(std::vector<Line>& lines, const json& answer) {
  constexpr double kNoiseJ = 0.0005;
  double shown_j = 0, shown_measured_j = 0;
  for (const Line& line : lines) {
    shown_j += line.energy_j;
    shown_measured_j += line.measured_j;
  }
  const Line attempts = line_of("", answer["attempts"]);
  const double others_j = attempts.energy_j - shown_j;
  if (others_j > kNoiseJ) {
    lines.push_back({"other_jobs", "", "", others_j, std::max(0.0, attempts.measured_j - shown_measured_j)});
  }
  const double rest_j = joules(answer, "unattributed_j");
  const double rest_measured_j = joules(answer["nodes"], "measured_j") - attempts.measured_j;
  const double running_j = running_energy_j(answer);
  const double measured = rest_j != 0 ? rest_measured_j / rest_j : 0;
  if (running_j > 0) lines.push_back({"running", "", "", running_j, running_j * measured});
  const double left_j = rest_j - running_j;
  lines.push_back({"unattributed", "", "", left_j, rest_measured_j - (running_j > 0 ? running_j * measured : 0)});
}

// They add up: all but the last, which is the total. Of the cluster there is one alone.
std::vector<Line> lines_of(const json& answer, const std::string& by) {
  std::vector<Line> lines;
  for (const json& row : answer["rows"]) lines.push_back(line_of(by, row));
  if (by == "job" || by == "owner") add_rest(lines, answer);
  if (by != "cluster") lines.push_back(line_of("total", answer["nodes"]));
  return lines;
}

std::string title_of(const Line& line) {
  if (line.row == "other_jobs") return "(other jobs)";
  if (line.row == "running") return "(running tasks)";
  if (line.row == "unattributed") return "(unattributed)";
  return line.row == "total" ? "all nodes" : line.name;
}

// What is left over between two clocks shows as nothing.
double shown_j(const Line& line) {
  constexpr double kShownJ = 0.05;
  return line.row == "unattributed" && std::abs(line.energy_j) < kShownJ ? 0 : line.energy_j;
}

double cost_of(double energy_j, double price) { return energy_j / kJoulesPerKwh * price; }

}  // namespace

bool is_energy_answer(const json& answer) {
  return answer.is_object() && answer.value("rows", json()).is_array() && answer.value("nodes", json()).is_object() &&
         answer.value("attempts", json()).is_object();
}

void add_costs(json& answer, double price) {
  const auto add = [&](json& part) { part["cost"] = cost_of(joules(part, "energy_j"), price); };
  for (json& row : answer["rows"]) add(row);
  add(answer["nodes"]);
  add(answer["attempts"]);
  answer["price"] = price;
}

Table energy_table(const json& answer, std::optional<double> price, const std::string& by) {
  std::string title = by;
  for (char& c : title) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::vector<Column> columns{{title}};
  if (by == "job") columns.push_back({"OWNER"});
  for (const char* name : {"ENERGY", "JOULES", "MEASURED"}) columns.push_back({name, true});
  if (price) columns.push_back({"COST", true});
  Table table(std::move(columns));
  for (const Line& line : lines_of(answer, by)) {
    const double energy_j = shown_j(line);
    std::vector<std::string> cells{title_of(line)};
    if (by == "job") cells.push_back(line.owner);
    cells.push_back(energy_text(energy_j));
    cells.push_back(fmt::format("{:.1f}", energy_j));
    cells.push_back(share_text(energy_j, line.measured_j));
    if (price) cells.push_back(fmt::format("{:.4f}", cost_of(energy_j, *price)));
    table.add_row(std::move(cells));
  }
  return table;
}

std::string energy_csv(const json& answer, std::optional<double> price, const std::string& by) {
  json titles{"row", "name", "owner", "energy_j", "measured_j", "modelled_j"};
  if (price) titles.push_back("cost");
  std::string text = csv_line(titles);
  for (const Line& line : lines_of(answer, by)) {
    const std::string owner = by == "owner" ? line.name : line.owner;
    json values{line.row, line.name, owner};
    for (const double value : {line.energy_j, line.measured_j, line.energy_j - line.measured_j}) {
      values.push_back(fmt::format("{:.15g}", value));  // a JSON number would be rounded for people
    }
    if (price) values.push_back(fmt::format("{:.15g}", cost_of(line.energy_j, *price)));
    text += csv_line(values);
  }
  return text;
}

}  // namespace bramble::cli
