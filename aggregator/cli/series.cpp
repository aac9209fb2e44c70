#include "aggregator/cli/series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/text.hpp"
#include "common/base/duration.hpp"
#include "common/base/node_set.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

struct Unit {
  const char* suffix;
  const char* unit;
  const char* of_rate;
};
constexpr Unit kUnits[] = {{"_w", "W", "W/s"},       {"_j", "J", "W"},      {"_celsius", "°C", "°C/s"},
                           {"_bytes", "B", "B/s"},   {"_hz", "Hz", "Hz/s"}, {"_s", "s", "s/s"},
                           {"_v", "V", "V/s"},       {"_a", "A", "A/s"},    {"_bps", "bit/s", "bit/s²"},
                           {"_dbm", "dBm", "dBm/s"}, {"_ratio", "", "1/s"}};

int64_t time_of(const json& answer, size_t step) {
  return number_field(answer, "since_ms") + number_field(answer, "step_ms") * static_cast<int64_t>(step);
}

std::string utc_text(int64_t wall_ms) {
  const auto seconds = static_cast<std::time_t>(wall_ms / 1000);
  std::tm parts = {};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string label_of(const json& answer, const json& series) {
  const auto& all = answer["series"];
  const bool one_metric =
      std::all_of(all.begin(), all.end(), [&](const json& other) { return other["metric"] == series["metric"]; });
  const std::string node = text_field(series, "node");
  return one_metric ? node : node + " " + text_field(series, "metric");
}

std::string title_of(const json& answer, const json& series) {
  return fmt::format("{}, {} of {}", text_field(series, "metric"), text_field(series, "agg"),
                     format_duration(number_field(answer, "step_ms")));
}

std::string source_word(double measured_ratio) {
  constexpr double kNext = 0.0005;
  if (measured_ratio <= kNext) return "modelled";
  if (measured_ratio >= 1 - kNext) return "measured";
  return fmt::format("{:.0f} % measured", std::clamp(100 * measured_ratio, 1.0, 99.0));
}

// ", modelled"; where nodes differ: "; measured: pi01; modelled: pi[02-04]". Nothing where it is of no watts or joules.
std::string source_text(const json& answer, const json& of) {
  std::map<std::string, std::vector<std::string>> nodes;
  for (const json& series : answer["series"]) {
    if (series["metric"] != of["metric"] || !series.contains("measured_ratio")) continue;
    if (!series["measured_ratio"].is_number()) continue;
    nodes[source_word(series["measured_ratio"].get<double>())].push_back(text_field(series, "node"));
  }
  if (nodes.size() == 1) return ", " + nodes.begin()->first;
  std::string text;
  for (const auto& [word, names] : nodes) text += "; " + word + ": " + fold_node_set(names);
  return text;
}

std::vector<size_t> told_steps(const json& answer) {
  std::vector<size_t> told;
  for (size_t step = 0; step < static_cast<size_t>(number_field(answer, "steps")); ++step) {
    const auto is_told = [step](const json& series) { return series["points"][step].is_number(); };
    if (std::any_of(answer["series"].begin(), answer["series"].end(), is_told)) told.push_back(step);
  }
  return told;
}

using Cells = std::vector<std::string>;  // of one column: its title and a value for each row

Cells cells_of(const std::string& title, const json& series, const std::vector<size_t>& steps) {
  Cells cells{title};
  for (const size_t step : steps) {
    const json& point = series["points"][step];
    cells.push_back(point.is_number() ? fmt::format("{:.6g}", point.get<double>()) : "-");
  }
  return cells;
}

size_t width_of(const Cells& cells) {
  size_t widest = 0;
  for (const std::string& cell : cells) widest = std::max(widest, display_width(cell));
  return widest;
}

Table table_of(const std::vector<Cells>& columns) {
  std::vector<Column> titles;
  for (const Cells& cells : columns) titles.push_back({cells[0], !titles.empty(), !titles.empty()});
  Table table(std::move(titles));
  for (size_t row = 1; row < columns[0].size(); ++row) {
    std::vector<std::string> cells;
    for (const Cells& column : columns) cells.push_back(column[row]);
    table.add_row(std::move(cells));
  }
  return table;
}

}  // namespace

bool is_series_answer(const json& answer) {
  if (!answer.is_object() || !answer.contains("series") || !answer["series"].is_array()) return false;
  const auto steps = static_cast<size_t>(number_field(answer, "steps"));
  return std::all_of(answer["series"].begin(), answer["series"].end(), [&](const json& series) {
    return series.is_object() && series.contains("metric") && series.contains("points") &&
           series["points"].is_array() && series["points"].size() == steps;
  });
}

std::string series_heading(const json& answer, size_t width) {
  std::string text = fmt::format("from {} to {}\n", clock_text(time_of(answer, 0)),
                                 clock_text(time_of(answer, static_cast<size_t>(number_field(answer, "steps")))));
  std::vector<std::string> seen;
  for (const json& series : answer["series"]) {
    const std::string title = title_of(answer, series);
    if (std::find(seen.begin(), seen.end(), title) != seen.end()) continue;
    seen.push_back(title);
    const std::string unit = unit_of(text_field(series, "metric"), text_field(series, "agg"));
    const std::string line = title + (unit.empty() ? "" : ", in " + unit) + source_text(answer, series);
    text += cut_to(line, width) + "\n";
  }
  return text;
}

std::vector<Table> series_tables(const json& answer, size_t width) {
  const std::vector<size_t> told = told_steps(answer);
  Cells times{"TIME"};
  for (const size_t step : told) times.push_back(clock_text(time_of(answer, step)));
  std::vector<Table> tables;
  std::vector<Cells> columns{times};
  size_t used = width_of(times);
  for (const json& series : answer["series"]) {
    Cells cells = cells_of(label_of(answer, series), series, told);
    if (columns.size() > 1 && used + kColumnGap + width_of(cells) > width) {
      tables.push_back(table_of(columns));
      columns = {times};
      used = width_of(times);
    }
    used += kColumnGap + width_of(cells);
    columns.push_back(std::move(cells));
  }
  tables.push_back(table_of(columns));
  return tables;
}

std::string series_csv(const json& answer) {
  std::string text = "time,time_ms,node,metric,agg,value\n";
  const auto steps = static_cast<size_t>(number_field(answer, "steps"));
  for (size_t step = 0; step < steps; ++step) {
    const int64_t at_ms = time_of(answer, step);
    for (const json& series : answer["series"]) {
      if (!series["points"][step].is_number()) continue;
      text += fmt::format("{},{},{},{},{},{}\n", utc_text(at_ms), at_ms, text_field(series, "node"),
                          text_field(series, "metric"), text_field(series, "agg"), series["points"][step].dump());
    }
  }
  return text;
}

std::vector<Plot> series_plots(const json& answer) {
  std::vector<Plot> plots;
  for (const json& series : answer["series"]) {
    const std::string metric = text_field(series, "metric");
    const std::string aggregate = text_field(series, "agg");
    const std::string title = title_of(answer, series) + source_text(answer, series);
    auto plot = std::find_if(plots.begin(), plots.end(), [&](const Plot& each) { return each.title == title; });
    if (plot == plots.end()) {
      plot = plots.insert(
          plots.end(),
          {title, unit_of(metric, aggregate), number_field(answer, "since_ms"), number_field(answer, "step_ms"), {}});
    }
    PlotSeries& line = plot->series.emplace_back(PlotSeries{text_field(series, "node"), {}});
    for (const json& point : series["points"]) {
      line.points.push_back(point.is_number() ? std::optional(point.get<double>()) : std::nullopt);
    }
  }
  return plots;
}

std::string unit_of(const std::string& metric, const std::string& aggregate) {
  for (const auto& unit : kUnits) {
    if (metric.ends_with(unit.suffix)) return aggregate == "rate" ? unit.of_rate : unit.unit;
  }
  return aggregate == "rate" ? "1/s" : "";
}

}  // namespace bramble::cli
