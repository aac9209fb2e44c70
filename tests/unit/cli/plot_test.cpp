#include "aggregator/cli/plot.hpp"

#include <gmock/gmock.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "aggregator/cli/energy_view.hpp"
#include "aggregator/cli/moment.hpp"
#include "aggregator/cli/series.hpp"
#include "aggregator/cli/text.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

Plot ramp(size_t nodes) {
  Plot plot{"power_w, mean of 1m", "W", 1'800'000'000'000, 60'000, {}};
  for (size_t node = 0; node < nodes; ++node) {
    auto& series = plot.series.emplace_back(PlotSeries{"pi" + std::to_string(node), {}});
    for (int i = 0; i < 60; ++i) series.points.emplace_back(2 + static_cast<double>(node) + i / 20.0);
  }
  return plot;
}

TEST(AxisTicks, AreRoundNumbersAroundTheValues) {
  EXPECT_THAT(axis_ticks(0.3, 3.7), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(axis_ticks(48.2, 51.9), ElementsAre(48, 49, 50, 51, 52));
  EXPECT_THAT(axis_ticks(5, 5), ElementsAre(5, 5.25, 5.5, 5.75, 6));
  EXPECT_THAT(axis_ticks(48.300000000000026, 48.30000000000003), ElementsAre(48.25, 48.5, 48.75, 49, 49.25, 49.5));
  EXPECT_LE(axis_ticks(1e300, 1.1e300).size(), 8U);
  EXPECT_THAT(axis_ticks(-61, -40), ElementsAre(-70, -60, -50, -40));
}

TEST(ShortNumber, HasAboutThreeDigits) {
  EXPECT_EQ(short_number(3.14159), "3.142");
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(9999), "9999");
  EXPECT_EQ(short_number(12'500), "12.5k");
  EXPECT_EQ(short_number(3.2e9), "3.2G");
}

TEST(PlotText, FitsItsWidthAndNamesTheUnit) {
  for (const size_t nodes : {1, 3, 6, 7, 30}) {
    for (const size_t width : {40, 80, 200}) {
      const auto lines = lines_of(draw(ramp(nodes), width));
      EXPECT_THAT(lines[0], HasSubstr("[W]"));
      for (const auto& line : lines) EXPECT_LE(display_width(line), width) << nodes << ": " << line;
    }
  }
}

TEST(PlotText, EachNodeHasAMarkOfItsOwn) {
  const std::string text = draw(ramp(3), 80);
  for (const char* const legend : {"* pi0", "o pi1", "+ pi2"}) EXPECT_THAT(text, HasSubstr(legend));
}

TEST(PlotText, ManyNodesGetALineEach) {
  const std::string text = draw(ramp(7), 80);
  for (int node = 0; node < 7; ++node) EXPECT_THAT(text, HasSubstr("pi" + std::to_string(node) + "  │"));
  EXPECT_THAT(text, HasSubstr("█"));
}

TEST(PlotText, NothingIsSaidInWords) {
  Plot plot = ramp(1);
  plot.series[0].points.assign(60, std::nullopt);
  EXPECT_THAT(draw(plot, 80), HasSubstr("nothing was told"));
}

json answer() {
  return json::parse(R"({"tier":"minute","since_ms":1800000000000,"step_ms":60000,"steps":3,"series":[
      {"node":"pi1","metric":"power_w","agg":"mean","points":[1.5,null,2]},
      {"node":"pi2","metric":"power_w","agg":"mean","points":[null,null,4]}]})");
}

TEST(Series, TablesAndCsvLeaveOutWhatWasNotTold) {
  ASSERT_TRUE(is_series_answer(answer()));
  const auto tables = series_tables(answer(), 80);
  ASSERT_EQ(tables.size(), 1u);
  const auto lines = lines_of(tables[0].render(80));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[0], HasSubstr("pi2"));
  EXPECT_THAT(lines[1], HasSubstr("1.5    -"));
  EXPECT_EQ(lines_of(series_csv(answer()))[1], "2027-01-15T08:00:00Z,1800000000000,pi1,power_w,mean,1.5");
}

TEST(Series, HeadingsSayTheTimeTheUnitAndWhetherWattsAreMeasured) {
  json told = answer();
  auto lines = lines_of(series_heading(told, 80));
  ASSERT_EQ(lines.size(), 2u);
  const int64_t begin_ms = told["since_ms"], end_ms = begin_ms + 3 * 60'000;
  EXPECT_EQ(lines[0], "from " + clock_text(begin_ms) + " to " + clock_text(end_ms)) << "whole steps";
  EXPECT_EQ(lines[1], "power_w, mean of 1m, in W") << "an aggregator that does not say what is measured";
  told["series"][0]["measured_ratio"] = 0;
  told["series"][1]["measured_ratio"] = 0.0;
  EXPECT_EQ(lines_of(series_heading(told, 80))[1], "power_w, mean of 1m, in W, modelled");
  told["series"][0]["measured_ratio"] = 1;
  EXPECT_EQ(lines_of(series_heading(told, 80))[1], "power_w, mean of 1m, in W; measured: pi1; modelled: pi2");
  told["series"][1]["measured_ratio"] = 0.9999;
  EXPECT_EQ(lines_of(series_heading(told, 80))[1], "power_w, mean of 1m, in W, measured");
  told["series"][1]["metric"] = "load1";
  told["series"][1]["measured_ratio"] = nullptr;
  lines = lines_of(series_heading(told, 80));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[2], "load1, mean of 1m") << "no unit";
}

TEST(Series, TablesFitTheWidthInAsManyPartsAsItTakes) {
  json told = answer();
  json& series = told["series"];
  for (int node = 3; node <= 40; ++node) {
    series.push_back(series[1]);
    series.back()["node"] = "pi" + std::to_string(node);
    series.back()["measured_ratio"] = node % 2;
  }
  series.push_back(series[1]);
  series.back()["node"] = std::string(100, 'x');
  const auto tables = series_tables(told, 80);
  size_t columns = 0;
  for (const Table& table : tables) {
    const auto lines = lines_of(table.render(80));
    ASSERT_EQ(lines.size(), 3u) << "each part has the same times";
    for (const auto& line : lines) EXPECT_LE(display_width(line), 80u) << line;
    std::istringstream words(lines[0]);
    columns += static_cast<size_t>(std::distance(std::istream_iterator<std::string>(words), {})) - 1;
  }
  EXPECT_EQ(columns, series.size());
  EXPECT_EQ(series_tables(told, kAnyWidth).size(), 1u) << "no terminal";
  for (const auto& line : lines_of(series_heading(told, 80))) EXPECT_LE(display_width(line), 80u) << line;
}

TEST(Series, AnswersThatAreNoneAreSeen) {
  json broken = answer();
  broken["series"][0]["points"].push_back(1);
  EXPECT_FALSE(is_series_answer(broken));
  EXPECT_FALSE(is_series_answer(json::array()));
}

TEST(Series, UnitsFollowFromNames) {
  EXPECT_EQ(unit_of("power_w", "mean"), "W");
  EXPECT_EQ(unit_of("energy_j", "rate"), "W");
  EXPECT_EQ(unit_of("net_receive_bytes", "rate"), "B/s");
  EXPECT_EQ(unit_of("load1", "mean"), "");
}

TEST(EnergyTable, AddsUpToAllNodesAndShowsCosts) {
  json energy =
      json::parse(R"({"rows":[{"name":"12","owner":"ann","energy_j":7200,"measured_j":3600,"modelled_j":3600}],
      "nodes":{"energy_j":36000,"measured_j":18000,"modelled_j":18000},
      "attempts":{"energy_j":9000,"measured_j":4500,"modelled_j":4500},"unattributed_j":27000,"told_unattributed_j":20000})");
  ASSERT_TRUE(is_energy_answer(energy));
  add_costs(energy, 0.5);
  EXPECT_EQ(energy["rows"][0]["cost"], 0.001);
  const auto lines = lines_of(energy_table(energy, 0.5, "job").render(80));
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_THAT(lines[1], testing::AllOf(HasSubstr("2.000 Wh"), HasSubstr("50 %"), HasSubstr("0.0010")));
  EXPECT_THAT(lines[2], testing::AllOf(HasSubstr("(other jobs)"), HasSubstr("1800.0")));
  EXPECT_THAT(lines[3], testing::AllOf(HasSubstr("(running tasks)"), HasSubstr("7000.0")));
  EXPECT_THAT(lines[4], testing::AllOf(HasSubstr("(unattributed)"), HasSubstr("20000.0")));
  EXPECT_THAT(lines[5], testing::AllOf(HasSubstr("all nodes"), HasSubstr("10.000 Wh")));
}

// Adds up what stands in a column of the rows before the total, and gives the total's own.
std::pair<double, double> sum_and_total(const std::string& csv, size_t column) {
  double sum = 0, total = 0;
  for (const auto& line : lines_of(csv)) {
    std::istringstream fields(line);
    std::string value;
    for (size_t i = 0; i <= column; ++i) std::getline(fields, value, ',');
    if (line.starts_with("row,")) continue;
    (line.starts_with("total,") ? total : sum) += std::stod(value);
  }
  return {sum, total};
}

TEST(EnergyCsv, AddsUpByItself) {
  const json energy = json::parse(R"({"rows":[{"name":"12","owner":"ann","energy_j":7200,"measured_j":3600},
      {"name":"13","owner":"o,b","energy_j":300,"measured_j":0}],
      "nodes":{"energy_j":36000,"measured_j":18000},
      "attempts":{"energy_j":9000,"measured_j":4500},"unattributed_j":27000,"told_unattributed_j":20000})");
  const std::string csv = energy_csv(energy, 0.5, "job");
  const auto lines = lines_of(csv);
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_EQ(lines[0], "row,name,owner,energy_j,measured_j,modelled_j,cost");
  EXPECT_THAT(lines[1], testing::StartsWith("job,12,ann,7200,3600,3600,0.001"));
  EXPECT_THAT(lines[2], testing::StartsWith("job,13,\"o,b\",300,"));
  EXPECT_THAT(lines[3], testing::StartsWith("other_jobs,,,1500,900,600,"));
  EXPECT_THAT(lines[4], testing::StartsWith("running,,,7000,3500,"));
  EXPECT_THAT(lines[5], testing::StartsWith("unattributed,,,20000,10000,"));
  json plain = energy;
  plain["rows"][1]["owner"] = "ben";
  for (const size_t column : {3, 4, 5, 6}) {
    const auto [sum, total] = sum_and_total(energy_csv(plain, 0.5, "job"), column);
    EXPECT_NEAR(sum, total, 1e-9 * total) << column;
    EXPECT_GT(total, 0);
  }
}

TEST(EnergyCsv, OfOwnersNodesAndTheClusterSaysWhatEachRowIs) {
  const json energy = json::parse(R"({"rows":[{"name":"ann","energy_j":10,"measured_j":10}],
      "nodes":{"energy_j":20,"measured_j":10},"attempts":{"energy_j":10,"measured_j":10},
      "unattributed_j":10,"told_unattributed_j":10})");
  EXPECT_EQ(energy_csv(energy, {}, "owner"),
            "row,name,owner,energy_j,measured_j,modelled_j\nowner,ann,ann,10,10,0\n"
            "unattributed,,,10,0,10\ntotal,,,20,10,10\n");
  EXPECT_THAT(energy_csv(energy, {}, "node"), HasSubstr("node,ann,,10,10,0\ntotal,"));
  EXPECT_EQ(lines_of(energy_csv(energy, {}, "cluster")).size(), 2u);
}

TEST(EnergyTable, DoesNotTakeTheNoiseOfTwoReadingsForRunningTasks) {
  const json energy = json::parse(R"({"rows":[],"nodes":{"energy_j":1000},"attempts":{"energy_j":1000},
      "unattributed_j":-0.01,"told_unattributed_j":-5})");
  const auto lines = lines_of(energy_table(energy, {}, "job").render(80));
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_THAT(lines[1], HasSubstr("(other jobs)"));
  EXPECT_THAT(lines[2], testing::AllOf(HasSubstr("(unattributed)"), HasSubstr(" 0.0"), Not(HasSubstr("-0.0"))));
}

TEST(Moment, IsSoLongAgoOrATime) {
  const WallTime now{1'800'000'000'000};
  EXPECT_EQ(parse_moment_ms("1h 30m", now), now.ms - 5'400'000);
  EXPECT_EQ(parse_moment_ms("now", now), now.ms);
  EXPECT_EQ(parse_moment_ms("2027-01-15T08:00:00Z", now), now.ms);
  EXPECT_EQ(parse_moment_ms("2027-01-15 08:00Z", now), now.ms);
  EXPECT_EQ(parse_moment_ms("2027-01-15Z", now), now.ms - 8 * 3'600'000);
  EXPECT_THAT(parse_moment_ms("yesterday", now).error().message, HasSubstr("is no time"));
}

}  // namespace
}  // namespace bramble::cli
