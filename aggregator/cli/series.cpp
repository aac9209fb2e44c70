#include "aggregator/cli/series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "aggregator/cli/api.hpp"
#include "aggregator/cli/text.hpp"
#include "common/base/duration.hpp"

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

}  // namespace

bool is_series_answer(const json& answer) {
  if (!answer.is_object() || !answer.contains("series") || !answer["series"].is_array()) return false;
  const auto steps = static_cast<size_t>(number_field(answer, "steps"));
  return std::all_of(answer["series"].begin(), answer["series"].end(), [&](const json& series) {
    return series.is_object() && series.contains("metric") && series.contains("points") &&
           series["points"].is_array() && series["points"].size() == steps;
  });
}

Table series_table(const json& answer) {
  std::vector<Column> columns{{"TIME"}};
  for (const json& series : answer["series"]) columns.push_back({label_of(answer, series), true});
  Table table(std::move(columns));
  const auto steps = static_cast<size_t>(number_field(answer, "steps"));
  for (size_t step = 0; step < steps; ++step) {
    std::vector<std::string> cells{clock_text(time_of(answer, step))};
    bool any = false;
    for (const json& series : answer["series"]) {
      const json& point = series["points"][step];
      any = any || point.is_number();
      cells.push_back(point.is_number() ? fmt::format("{:.6g}", point.get<double>()) : "-");
    }
    if (any) table.add_row(std::move(cells));
  }
  return table;
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
    const std::string title =
        fmt::format("{}, {} of {}", metric, aggregate, format_duration(number_field(answer, "step_ms")));
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
