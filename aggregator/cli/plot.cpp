#include "aggregator/cli/plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "aggregator/cli/moment.hpp"
#include "aggregator/cli/table.hpp"

namespace bramble::cli {
namespace {

constexpr size_t kRowsPerTick = 4;
constexpr size_t kMinWidth = 40;
constexpr size_t kMaxWidth = 200;
constexpr const char* kMarks[kMaxMarks] = {"*", "o", "+", "x", "#", "@"};
constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

using Columns = std::vector<std::optional<double>>;

// The points spread over so many columns: the mean of those that fall into one, or the one that lies under it.
Columns in_columns(const std::vector<std::optional<double>>& points, size_t width) {
  Columns columns(width);
  for (size_t column = 0; column < width && !points.empty(); ++column) {
    const size_t begin = column * points.size() / width;
    const size_t end = std::max(begin + 1, (column + 1) * points.size() / width);
    double sum = 0;
    size_t count = 0;
    for (size_t i = begin; i < end; ++i) {
      sum += points[i].value_or(0);
      count += points[i] ? 1 : 0;
    }
    if (count > 0) columns[column] = sum / static_cast<double>(count);
  }
  return columns;
}

struct Range {
  double low = 0;
  double high = 0;
  bool any = false;

  void take(double value) {
    low = any ? std::min(low, value) : value;
    high = any ? std::max(high, value) : value;
    any = true;
  }
};

Range range_of(const std::vector<std::optional<double>>& points) {
  Range range;
  for (const auto& point : points) {
    if (point) range.take(*point);
  }
  return range;
}

Range range_of(const Plot& plot) {
  Range range;
  for (const auto& series : plot.series) {
    const Range own = range_of(series.points);
    if (!own.any) continue;
    range.take(own.low);
    range.take(own.high);
  }
  return range;
}

// Rows of cells, the highest first; each cell is a mark, or a blank.
class Canvas {
 public:
  Canvas(size_t rows, size_t columns, double low, double high)
      : cells_(rows, std::vector<std::string>(columns, " ")), low_(low), high_(high) {}

  // A line: where it jumps from one column to the next, the rows between are marked too.
  void draw_line(const Columns& line, const char* mark) {
    std::optional<size_t> before;
    for (size_t column = 0; column < line.size(); ++column) {
      if (!line[column]) {
        before.reset();
        continue;
      }
      const size_t row = row_of(*line[column]);
      size_t from = row;
      size_t to = row;
      if (before && *before + 1 < row) from = *before + 1;
      if (before && row + 1 < *before) to = *before - 1;
      for (size_t i = from; i <= to; ++i) cells_[i][column] = mark;
      before = row;
    }
  }
  std::string row(size_t index) const {
    std::string text;
    for (const auto& cell : cells_[index]) text += cell;
    return text.substr(0, text.find_last_not_of(' ') + 1);
  }

 private:
  size_t row_of(double value) const {
    const double share = (value - low_) / (high_ - low_) * static_cast<double>(cells_.size() - 1);
    return cells_.size() - 1 - static_cast<size_t>(std::lround(share));
  }

  std::vector<std::vector<std::string>> cells_;
  double low_;
  double high_;
};

std::string time_axis(const Plot& plot, size_t indent, size_t width) {
  const size_t steps = plot.series.empty() ? 0 : plot.series.front().points.size();
  const int64_t span_ms = plot.step_ms * static_cast<int64_t>(steps);
  const size_t label = moment_text(plot.since_ms, span_ms).size();
  const size_t count = std::clamp<size_t>(width / (label + 6), 2, 6);
  std::string line(indent, ' ');
  std::string labels(indent, ' ');
  line += "└";
  size_t drawn = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t column = i * (width - label) / (count - 1);
    const int64_t at_ms = plot.since_ms + span_ms * static_cast<int64_t>(column) / static_cast<int64_t>(width);
    for (; drawn < column; ++drawn) line += "─";
    line += "┬";
    ++drawn;
    labels.resize(indent + 1 + column, ' ');
    labels += moment_text(at_ms, span_ms);
  }
  for (; drawn < width; ++drawn) line += "─";
  return line + "\n" + labels + "\n";
}

std::string summary(const PlotSeries& series, const std::string& unit) {
  const Range range = range_of(series.points);
  if (!range.any) return "nothing was told";
  const auto last =
      std::find_if(series.points.rbegin(), series.points.rend(), [](const auto& p) { return p.has_value(); });
  return fmt::format("{} to {}, last {}{}", short_number(range.low), short_number(range.high), short_number(**last),
                     unit.empty() ? "" : " " + unit);
}

std::string title_line(const Plot& plot) {
  return plot.title + (plot.unit.empty() ? "" : " [" + plot.unit + "]") + "\n";
}

std::string draw_together(const Plot& plot, size_t width, const Range& range) {
  const auto ticks = axis_ticks(range.low, range.high);
  size_t label_width = 0;
  for (const double tick : ticks) label_width = std::max(label_width, short_number(tick).size());
  const size_t columns = width - label_width - 2;
  const size_t rows = (ticks.size() - 1) * kRowsPerTick + 1;
  Canvas canvas(rows, columns, ticks.front(), ticks.back());
  for (size_t i = plot.series.size(); i-- > 0;) {
    canvas.draw_line(in_columns(plot.series[i].points, columns), kMarks[i]);
  }
  std::string text = title_line(plot);
  for (size_t row = 0; row < rows; ++row) {
    const bool tick = row % kRowsPerTick == 0;
    const std::string label = tick ? short_number(ticks[ticks.size() - 1 - row / kRowsPerTick]) : "";
    text += fmt::format("{:>{}} {}{}\n", label, label_width, tick ? "┤" : "│", canvas.row(row));
  }
  text += time_axis(plot, label_width + 1, columns);
  size_t name_width = 0;
  for (const auto& series : plot.series) name_width = std::max(name_width, display_width(series.name));
  for (size_t i = 0; i < plot.series.size(); ++i) {
    const auto& series = plot.series[i];
    const std::string pad(name_width - display_width(series.name), ' ');
    text += cut_to(fmt::format("  {} {}{}  {}", kMarks[i], series.name, pad, summary(series, plot.unit)), width) + "\n";
  }
  return text;
}

// A line of bars for each series, all of one scale.
std::string draw_apart(const Plot& plot, size_t width, const Range& range) {
  const double low = axis_ticks(range.low, range.high).front();
  const double high = range.high > low ? range.high : low + 1;
  size_t name_width = 4;
  for (const auto& series : plot.series) name_width = std::max(name_width, display_width(series.name));
  name_width = std::min(name_width, width / 4);
  const size_t columns = width - name_width - 2 - 18;
  std::string text = title_line(plot);
  for (const auto& series : plot.series) {
    const std::string name = cut_to(series.name, name_width);
    text += name + std::string(name_width - display_width(name) + 1, ' ') + "│";
    for (const auto& value : in_columns(series.points, columns)) {
      const double share = value ? (*value - low) / (high - low) : 0;
      text += value ? kBars[std::clamp<size_t>(static_cast<size_t>(share * 8), 0, 7)] : " ";
    }
    const Range own = range_of(series.points);
    text += own.any ? fmt::format(" {:>7} to {:<7}", short_number(own.low), short_number(own.high)) : "";
    text = text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  }
  text += time_axis(plot, name_width + 1, columns);
  return text + fmt::format("a bar from {} to {}{}\n", short_number(low), short_number(high),
                            plot.unit.empty() ? "" : " " + plot.unit);
}

}  // namespace

std::string draw(const Plot& plot, size_t width) {
  width = std::clamp(width, kMinWidth, kMaxWidth);
  const Range range = range_of(plot);
  if (!range.any) return title_line(plot) + "nothing was told in this time\n";
  return plot.series.size() <= kMaxMarks ? draw_together(plot, width, range) : draw_apart(plot, width, range);
}

std::vector<double> axis_ticks(double low, double high) {
  if (low >= 0 && low < high - low) low = 0;  // from zero, where that costs less than half of the room
  // What differs only in its last bits is one value: means of the same readings come out so.
  const double same = 1e-9 * std::max(std::abs(low), std::abs(high));
  if (high - low <= same) high = low + std::max(1.0, std::abs(low) * 0.01);
  const double rough = (high - low) / 4;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double nice : {5.0, 2.5, 2.0, 1.0}) {
    if (nice * power >= rough) step = nice * power;
  }
  std::vector<double> ticks;
  const double first = std::floor(low / step + 1e-9);
  for (double i = first; ticks.size() < 2 || ticks.back() < high - step * 1e-9; i += 1) ticks.push_back(i * step);
  return ticks;
}

std::string short_number(double value) {
  struct Prefix {
    double factor;
    const char* letter;
  };
  static constexpr Prefix kPrefixes[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e4, "k"}};
  for (const auto& prefix : kPrefixes) {
    if (std::abs(value) < prefix.factor) continue;
    const double factor = prefix.factor == 1e4 ? 1e3 : prefix.factor;
    return fmt::format("{:.4g}{}", value / factor, prefix.letter);
  }
  if (std::abs(value) < 1e-9) return "0";
  return fmt::format("{:.4g}", value);
}

}  // namespace bramble::cli
