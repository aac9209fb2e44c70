// A plan with its data: gradients of shards and evaluations, as every node computes them. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/learn/dataset.hpp"
#include "common/learn/network.hpp"
#include "common/learn/plan.hpp"
#include "common/learn/sampling.hpp"
#include "common/learn/scaling.hpp"

namespace bramble::learn {

// Of one shard.
struct Gradient {
  uint32_t rows = 0;
  double loss_sum = 0;
  uint32_t correct = 0;
  std::vector<float> values;  // the mean over its rows

  bool operator==(const Gradient&) const = default;
};

struct Evaluation {
  uint64_t rows = 0;
  double loss_sum = 0;
  std::vector<uint64_t> confusion;  // classes x classes: rows of that class (line) taken for that one (column)

  double loss() const { return rows == 0 ? 0 : loss_sum / static_cast<double>(rows); }
  uint64_t correct() const;
  double accuracy() const { return rows == 0 ? 0 : static_cast<double>(correct()) / static_cast<double>(rows); }
  void add(const Evaluation& other);
  bool operator==(const Evaluation&) const = default;
};

enum class Part : uint8_t { training, validation };

// One job of a node, in which rows are evaluated: so many, whatever the number of nodes, for sums depend on it.
inline constexpr size_t kEvaluationRows = 512;

class Training {
 public:
  // Errors say what is wrong with the data, or with which layer.
  static Result<Training> prepare(const Plan& plan, const Fetch& fetch);

  const Plan& plan() const { return plan_; }
  const Topology& topology() const { return network_.topology(); }
  const Dataset& data() const { return data_; }  // its values are scaled
  const Scaling& scaling() const { return scaling_; }
  const std::vector<uint32_t>& rows_of(Part part) const;

  uint32_t steps() const;                   // of an epoch
  uint32_t shards_of(uint32_t step) const;  // those with rows: all but in small batches
  std::vector<float> initial() const;

  // As many as the network has, and each a finite number.
  Status check_parameters(const std::vector<float>& parameters) const;

  // All count from 0; an error names them counted from 1, as people do.
  Result<Gradient> gradient(const std::vector<float>& parameters, uint32_t epoch, uint32_t step, uint32_t shard);

  // Of the rows first..first + count - 1 of a part.
  Result<Evaluation> evaluate(const std::vector<float>& parameters, Part part, size_t first, size_t count);

 private:
  struct Piece;  // a few rows on their way through the network

  Training(Plan plan, Dataset data, Scaling scaling, Split split, Topology topology);
  void fill(Piece& piece, const uint32_t* rows, size_t count) const;
  bool is_correct(const float* outputs, uint32_t row) const;

  Plan plan_;
  Dataset data_;
  Scaling scaling_;
  Split split_;
  Network<float> network_;
  std::optional<uint32_t> ordered_epoch_;
  std::vector<uint32_t> order_;  // of that epoch
};

// The batch's gradient: the sum of (rows of a shard / rows of all) x its gradient, in the order given.
std::vector<float> combine(const std::vector<Gradient>& shards);

size_t greatest(const float* values, size_t count);  // the first of the greatest

}  // namespace bramble::learn
