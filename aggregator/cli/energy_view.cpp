#include "aggregator/cli/energy_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>

#include "aggregator/cli/api.hpp"

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

std::string share_text(const json& row) {
  const double all = joules(row, "energy_j");
  return all <= 0 ? "-" : fmt::format("{:.0f} %", 100 * joules(row, "measured_j") / all);
}

class Rows {
 public:
  Rows(Table& table, std::optional<double> price, bool with_owner)
      : table_(table), price_(price), with_owner_(with_owner) {}

  void add(const std::string& name, const json& row) {
    put(name, text_field(row, "owner"), joules(row, "energy_j"), share_text(row));
  }
  void add_rest(const std::string& name, double energy_j) {
    constexpr double kShownJ = 0.05;
    put(name, "", std::abs(energy_j) < kShownJ ? 0 : energy_j, "");
  }

 private:
  void put(const std::string& name, const std::string& owner, double energy_j, const std::string& share) {
    std::vector<std::string> cells{name};
    if (with_owner_) cells.push_back(owner);
    cells.push_back(energy_text(energy_j));
    cells.push_back(fmt::format("{:.1f}", energy_j));
    cells.push_back(share);
    if (price_) cells.push_back(fmt::format("{:.4f}", energy_j / kJoulesPerKwh * *price_));
    table_.add_row(std::move(cells));
  }
  Table& table_;
  const std::optional<double> price_;
  const bool with_owner_;
};

// What nodes have charged attempts with that have not ended. Both ends are read at moments of their own, so that a
// hundredth means nothing.
double running_energy_j(const json& answer) {
  const double running_j = joules(answer, "unattributed_j") - joules(answer, "told_unattributed_j");
  return running_j > 0.01 * joules(answer["nodes"], "energy_j") ? running_j : 0;
}

}  // namespace

bool is_energy_answer(const json& answer) {
  return answer.is_object() && answer.value("rows", json()).is_array() && answer.value("nodes", json()).is_object() &&
         answer.value("attempts", json()).is_object();
}

void add_costs(json& answer, double price) {
  const auto add = [&](json& part) { part["cost"] = joules(part, "energy_j") / kJoulesPerKwh * price; };
  for (json& row : answer["rows"]) add(row);
  add(answer["nodes"]);
  add(answer["attempts"]);
  answer["price"] = price;
}

Table energy_table(const json& answer, std::optional<double> price, const std::string& by) {
  std::string title = by;
  for (char& c : title) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const bool of_jobs = by == "job" || by == "owner";
  std::vector<Column> columns{{title}};
  if (by == "job") columns.push_back({"OWNER"});
  for (const char* name : {"ENERGY", "JOULES", "MEASURED"}) columns.push_back({name, true});
  if (price) columns.push_back({"COST", true});
  Table table(std::move(columns));
  Rows rows(table, price, by == "job");
  double shown_j = 0;
  for (const json& row : answer["rows"]) {
    rows.add(text_field(row, "name"), row);
    shown_j += joules(row, "energy_j");
  }
  if (of_jobs) {
    const double others_j = joules(answer["attempts"], "energy_j") - shown_j;
    if (others_j > 0.0005) rows.add_rest("(other jobs)", others_j);
    const double running_j = running_energy_j(answer);
    if (running_j > 0) rows.add_rest("(running tasks)", running_j);
    rows.add_rest("(unattributed)", joules(answer, "unattributed_j") - running_j);
  }
  if (by != "cluster") rows.add("all nodes", answer["nodes"]);
  return table;
}

std::string energy_csv(const json& answer, bool with_costs) {
  std::string text = std::string("name,energy_j,measured_j,modelled_j") + (with_costs ? ",cost" : "") + "\n";
  const auto line = [&](const std::string& name, const json& row) {
    text +=
        fmt::format("{},{},{},{}", name, joules(row, "energy_j"), joules(row, "measured_j"), joules(row, "modelled_j"));
    text += with_costs ? fmt::format(",{}\n", joules(row, "cost")) : "\n";
  };
  for (const json& row : answer["rows"]) line(text_field(row, "name"), row);
  return text;
}

}  // namespace bramble::cli
