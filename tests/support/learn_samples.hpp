// Small data and plans that the tests of learning share.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/random.hpp"
#include "common/learn/training.hpp"

namespace bramble::learn {

inline Layer layer_of(const std::string& words) { return *parse_layer(words); }

inline std::vector<Layer> layers_of(const std::vector<std::string>& words) {
  std::vector<Layer> layers;
  for (const std::string& text : words) layers.push_back(layer_of(text));
  return layers;
}

// Files that exist in the test alone.
inline Fetch from(std::map<std::string, std::string> files) {
  return [files = std::move(files)](const std::string& name) -> Result<std::string> {
    const auto found = files.find(name);
    if (found == files.end()) return fail(ErrorCode::not_found, name + ": there is no such file");
    return found->second;
  };
}

// Points around three corners, told apart by anybody: x, y, corner.
inline std::string three_corners(size_t rows) {
  Random random(7);
  std::string text;
  for (size_t i = 0; i < rows; ++i) {
    const size_t corner = i % 3;
    const double x = (corner == 1 ? 4 : 0) + random.unit(), y = (corner == 2 ? 4 : 0) + random.unit();
    text += std::to_string(x) + "," + std::to_string(y) + "," + "abc"[corner] + "\n";
  }
  return text;
}

inline Plan corner_plan() {
  Plan plan;
  plan.data.file = "corners.csv";
  plan.layers = layers_of({"dense 8", "tanh", "dense 3"});
  plan.batch = 16;
  return plan;
}

inline Fetch corner_files(size_t rows = 90) { return from({{"corners.csv", three_corners(rows)}}); }

}  // namespace bramble::learn
