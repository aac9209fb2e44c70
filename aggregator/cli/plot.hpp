// Series drawn with characters, for a terminal. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bramble::cli {

struct PlotSeries {
  std::string name;
  std::vector<std::optional<double>> points;
};

struct Plot {
  std::string title;
  std::string unit;
  int64_t since_ms = 0;
  int64_t step_ms = 0;
  std::vector<PlotSeries> series;
};

// Up to so many series share one picture, each with a mark of its own; more get a line each, all of one scale.
inline constexpr size_t kMaxMarks = 6;

// At most `width` columns (never more than 200; at least 40 are taken). Ends with a line's end.
std::string draw(const Plot& plot, size_t width);

// Marks of an axis from at or below `low` to at or above `high`, evenly apart by 1, 2, 2.5 or 5 times a power of ten.
std::vector<double> axis_ticks(double low, double high);

// "3.25", "12.5k", "1.5M", "250m": about three digits.
std::string short_number(double value);

}  // namespace bramble::cli
