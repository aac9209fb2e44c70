// Bringing the columns of data to one size, by what the training part alone tells. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/learn/dataset.hpp"

namespace bramble::learn {

enum class Normalise : uint8_t {
  columns,  // each to mean 0 and deviation 1; what is constant becomes 0
  whole,    // all by one mean and deviation: for images whose points are of one kind
  none,
};

Result<Normalise> parse_normalise(const std::string& text);  // "columns", "whole", "none"

struct Scaling {
  std::vector<float> mean;    // of each column
  std::vector<float> factor;  // 1 / deviation; 0 for a column that was constant and tells nothing

  bool operator==(const Scaling&) const = default;
};

Scaling scaling_of(Normalise how, const Dataset& data, const std::vector<uint32_t>& training_rows);

// values: whole rows.
void rescale(const Scaling& scaling, std::vector<float>& values);

// Numbers of the columns that tell nothing, from 0 on.
std::vector<size_t> constant_columns(const Scaling& scaling);

}  // namespace bramble::learn
