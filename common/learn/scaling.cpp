#include "common/learn/scaling.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/nearest.hpp"

namespace bramble::learn {
namespace {

struct Moments {
  double mean = 0;
  double deviation = 0;
};

// Of the columns first..first + count - 1 taken together.
Moments moments_of(const Dataset& data, const std::vector<uint32_t>& rows, size_t first, size_t count) {
  const size_t columns = data.shape.size();
  const auto each = [&](const auto& visit) {
    for (const uint32_t row : rows) {
      for (size_t i = 0; i < count; ++i) visit(static_cast<double>(data.values[row * columns + first + i]));
    }
  };
  double sum = 0, least = 0, greatest = 0;
  bool any = false;
  each([&](double value) {
    sum += value;
    least = any ? std::min(least, value) : value;
    greatest = any ? std::max(greatest, value) : value;
    any = true;
  });
  if (!any || least == greatest) return {least, 0};
  const double number = static_cast<double>(rows.size()) * static_cast<double>(count);
  const double mean = sum / number;
  double squares = 0;
  each([&](double value) { squares += (value - mean) * (value - mean); });
  return {mean, std::sqrt(squares / number)};
}

}  // namespace

Result<Normalise> parse_normalise(const std::string& text) {
  if (text == "columns") return Normalise::columns;
  if (text == "whole") return Normalise::whole;
  if (text == "none") return Normalise::none;
  return fail(unknown("normalise", text, {"columns", "whole", "none"}) +
              " (there are \"columns\", \"whole\" and \"none\")");
}

Scaling scaling_of(Normalise how, const Dataset& data, const std::vector<uint32_t>& training_rows) {
  const size_t columns = data.shape.size();
  Scaling scaling{std::vector<float>(columns, 0.0F), std::vector<float>(columns, 1.0F)};
  if (how == Normalise::none) return scaling;
  for (size_t column = 0; column < columns; ++column) {
    const bool whole = how == Normalise::whole;
    if (whole && column > 0) {
      scaling.mean[column] = scaling.mean[0];
      scaling.factor[column] = scaling.factor[0];
      continue;
    }
    const Moments moments = moments_of(data, training_rows, column, whole ? columns : 1);
    scaling.mean[column] = static_cast<float>(moments.mean);
    // A deviation so small that its inverse is no float is as good as none.
    const double factor = moments.deviation > 1e-30 ? 1 / moments.deviation : 0;
    scaling.factor[column] = static_cast<float>(factor);
  }
  return scaling;
}

void rescale(const Scaling& scaling, std::vector<float>& values) {
  const size_t columns = scaling.mean.size();
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = (values[i] - scaling.mean[i % columns]) * scaling.factor[i % columns];
  }
}

std::vector<size_t> constant_columns(const Scaling& scaling) {
  std::vector<size_t> columns;
  for (size_t i = 0; i < scaling.factor.size(); ++i) {
    if (scaling.factor[i] == 0) columns.push_back(i);
  }
  return columns;
}

}  // namespace bramble::learn
