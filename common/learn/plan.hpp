// All that a computation of gradients depends on besides parameters and data. As bytes it goes to every node. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/learn/bytes.hpp"
#include "common/learn/dataset.hpp"
#include "common/learn/layers.hpp"
#include "common/learn/loss.hpp"
#include "common/learn/scaling.hpp"

namespace bramble::learn {

inline constexpr uint32_t kMaxShards = 256;
inline constexpr uint32_t kMaxBatch = 1'000'000;

struct Plan {
  DataSource data;
  std::vector<Layer> layers;
  Loss loss = Loss::cross_entropy;
  Normalise normalise = Normalise::columns;
  double validation = 0.2;  // share of the rows that is set aside
  uint64_t seed = 1;
  uint32_t batch = 32;
  uint32_t shards = 4;  // parts of a batch, however many nodes there are: the result depends on it

  bool operator==(const Plan&) const = default;
};

std::string encode_plan(const Plan& plan);
Result<Plan> decode_plan(std::string_view bytes);

void write_shape(Writer& writer, Shape shape);
Shape read_shape(Reader& reader);
void write_source(Writer& writer, const DataSource& source);
DataSource read_source(Reader& reader);
void write_layers(Writer& writer, const std::vector<Layer>& layers);
std::vector<Layer> read_layers(Reader& reader);

}  // namespace bramble::learn
