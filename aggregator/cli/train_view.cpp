#include "aggregator/cli/train_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "aggregator/cli/table.hpp"
#include "aggregator/cli/text.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr size_t kMostShownClasses = 30;
constexpr size_t kMostShownColumns = 10;
constexpr size_t kLineWidth = 80;

double rows_a_second(const learn::EpochReport& report, const EpochCost& cost) {
  return static_cast<double>(report.rows + report.validation.rows) / std::max(cost.seconds, 1e-3);
}

std::string loss_text(double loss, double accuracy, bool classes) {
  const std::string text = classes && loss < 1000 ? fmt::format("{:.4f}", loss) : fmt::format("{:.4g}", loss);
  return classes ? text + fmt::format(" {:.1f}%", 100 * accuracy) : text;
}

std::string column_list(const learn::Dataset& data, const std::vector<size_t>& columns) {
  std::string text;
  for (size_t i = 0; i < columns.size() && i < kMostShownColumns; ++i) {
    text += (i == 0 ? "" : ", ") + without_controls(data.column_text(columns[i]));
  }
  if (columns.size() > kMostShownColumns) text += fmt::format(" and {} more", columns.size() - kMostShownColumns);
  return text;
}

std::string confusion_table(const learn::Evaluation& evaluation, const std::vector<std::string>& names) {
  std::vector<Column> columns{{"class \\ answer", false}};
  for (const std::string& name : names) columns.push_back({name, true});
  Table table(std::move(columns));
  for (size_t line = 0; line < names.size(); ++line) {
    std::vector<std::string> cells{names[line]};
    for (size_t i = 0; i < names.size(); ++i) {
      const uint64_t count = evaluation.confusion[line * names.size() + i];
      cells.push_back(count == 0 ? "." : std::to_string(count));
    }
    table.add_row(std::move(cells));
  }
  return table.render(kAnyWidth);
}

}  // namespace

std::string epoch_line(const learn::EpochReport& report, uint32_t epochs, bool classes, const EpochCost& cost) {
  std::string line = fmt::format("epoch {:>{}}/{}  loss {}", report.epoch, std::to_string(epochs).size(), epochs,
                                 loss_text(report.loss, report.accuracy, classes));
  if (report.validation.rows > 0) {
    line += "  held out " + loss_text(report.validation.loss(), report.validation.accuracy(), classes);
  }
  const std::string end = report.best && report.validation.rows > 0 ? " best" : "";
  std::vector<std::string> costs{fmt::format("  {:.0f} rows/s", rows_a_second(report, cost))};
  const int decimals = cost.joules < 1 ? 3 : cost.joules < 100 ? 1 : 0;
  if (cost.joules > 0) costs.push_back(fmt::format(" {:.{}f} J", cost.joules, decimals));
  for (const std::string& text : costs) {
    if (line.size() + text.size() + end.size() <= kLineWidth) line += text;
  }
  return line + end + "\n";
}

json epoch_json(const learn::EpochReport& report, bool classes, const EpochCost& cost) {
  json object = {{"epoch", report.epoch},
                 {"loss", report.loss},
                 {"best", report.best},
                 {"duration_s", cost.seconds},
                 {"rows_per_s", rows_a_second(report, cost)},
                 {"energy_j", cost.joules > 0 ? json(cost.joules) : json(nullptr)}};
  if (classes) object["accuracy"] = report.accuracy;
  if (report.validation.rows == 0) return object;
  object["held_out"] = {{"rows", report.validation.rows}, {"loss", report.validation.loss()}};
  if (classes) object["held_out"]["accuracy"] = report.validation.accuracy();
  return object;
}

std::vector<std::string> training_notes(const learn::Training& training) {
  const auto& names = training.data().class_names;
  std::vector<std::string> notes;
  notes.push_back(fmt::format(
      "{} to learn from, {} held out; {} to {}; {}", count_text(training.rows_of(learn::Part::training).size(), "row"),
      training.rows_of(learn::Part::validation).size(), learn::format_shape(training.topology().input),
      names.empty() ? std::string("a number") : fmt::format("{} classes", names.size()),
      count_text(training.topology().parameters, "parameter")));
  const auto constant = learn::constant_columns(training.scaling());
  if (!constant.empty()) {
    notes.push_back("constant in the rows to learn from, and left out: " + column_list(training.data(), constant));
  }
  return notes;
}

std::string evaluation_text(const learn::Evaluation& evaluation, const std::vector<std::string>& names) {
  if (names.empty()) {
    return fmt::format("mean squared error {:.6g} over {}\n", evaluation.loss(), count_text(evaluation.rows, "row"));
  }
  std::string text =
      fmt::format("{:.2f} % right: {} of {}\n", 100 * evaluation.accuracy(), evaluation.correct(), evaluation.rows);
  return names.size() <= kMostShownClasses ? text + confusion_table(evaluation, names) : text;
}

json evaluation_json(const learn::Evaluation& evaluation, const std::vector<std::string>& names) {
  json object = {{"rows", evaluation.rows}};
  if (names.empty()) {
    object["mean_squared_error"] = evaluation.loss();
    return object;
  }
  object["accuracy"] = evaluation.accuracy();
  object["correct"] = evaluation.correct();
  object["classes"] = names;
  object["confusion"] = json::array();
  for (size_t line = 0; line < names.size(); ++line) {
    const auto begin = evaluation.confusion.begin() + static_cast<std::ptrdiff_t>(line * names.size());
    object["confusion"].push_back(std::vector<uint64_t>(begin, begin + static_cast<std::ptrdiff_t>(names.size())));
  }
  return object;
}

}  // namespace bramble::cli
