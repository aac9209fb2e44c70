#include "common/learn/training.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/learn/arithmetic.hpp"
#include "common/learn/loss.hpp"

namespace bramble::learn {
namespace {

constexpr size_t kPieceRows = 32;  // go through the network together: bounds memory, and is part of the sums' order

size_t outputs_of(const Dataset& data) { return data.classes.empty() ? 1 : data.labels.size(); }

Status check_plan(const Plan& plan) {
  if (plan.data.target == Target::none) return fail("a training needs to know what to learn: name label or target");
  if (plan.data.target == Target::number && plan.loss == Loss::cross_entropy) {
    return fail("cross-entropy is for classes: numbers are learned with \"mean-squared-error\"");
  }
  return {};
}

tl::unexpected<Error> no_longer_finite(const std::string& what) {
  return fail(ErrorCode::limit, what + " is no finite number any more; a lower rate may help");
}

}  // namespace

struct Training::Piece {
  std::vector<float> in;
  std::vector<float> targets;
};

uint64_t Evaluation::correct() const {
  const auto classes = static_cast<size_t>(std::lround(std::sqrt(static_cast<double>(confusion.size()))));
  uint64_t sum = 0;
  for (size_t i = 0; i < classes; ++i) sum += confusion[i * classes + i];
  return sum;
}

void Evaluation::add(const Evaluation& other) {
  rows += other.rows;
  loss_sum += other.loss_sum;
  confusion.resize(std::max(confusion.size(), other.confusion.size()));
  for (size_t i = 0; i < other.confusion.size(); ++i) confusion[i] += other.confusion[i];
}

Result<Training> Training::prepare(const Plan& plan, const Fetch& fetch) {
  if (Status status = check_plan(plan); !status) return tl::unexpected<Error>(status.error());
  auto data = load_dataset(plan.data, fetch);
  if (!data) return tl::unexpected<Error>(data.error());
  auto topology = fit_layers(data->shape, plan.layers, outputs_of(*data));
  if (!topology) return tl::unexpected<Error>(topology.error());
  Split split = split_rows(*data, plan.validation, plan.seed);
  if (plan.validation > 0 && split.validation.empty()) {
    return fail(plan.data.file + ": it has " + std::to_string(data->rows) +
                " rows: too few to set that share aside for validation");
  }
  Scaling scaling = scaling_of(plan.normalise, *data, split.training);
  if (constant_columns(scaling).size() == data->shape.size()) {
    return fail(plan.data.file + ": all columns are constant in the training part: there is nothing to learn from");
  }
  rescale(scaling, data->values);
  return Training(plan, std::move(*data), std::move(scaling), std::move(split), std::move(*topology));
}

Training::Training(Plan plan, Dataset data, Scaling scaling, Split split, Topology topology)
    : plan_(std::move(plan)),
      data_(std::move(data)),
      scaling_(std::move(scaling)),
      split_(std::move(split)),
      network_(std::move(topology)) {}

const std::vector<uint32_t>& Training::rows_of(Part part) const {
  return part == Part::training ? split_.training : split_.validation;
}

uint32_t Training::steps() const { return static_cast<uint32_t>(step_count(split_.training.size(), plan_.batch)); }

uint32_t Training::shards_of(uint32_t step) const {
  const Range batch = batch_of(split_.training.size(), plan_.batch, step);
  return static_cast<uint32_t>(std::min<size_t>(plan_.shards, batch.count));
}

std::vector<float> Training::initial() const { return initial_parameters(topology(), plan_.seed); }

Status Training::check_parameters(const std::vector<float>& parameters) const {
  if (parameters.size() != topology().parameters) {
    return fail(ErrorCode::corrupt, "there are " + std::to_string(parameters.size()) +
                                        " parameters, and the network has " + std::to_string(topology().parameters));
  }
  return all_finite(parameters) ? Status() : no_longer_finite("a parameter");
}

// Rows side by side, with what the network shall answer.
void Training::fill(Piece& piece, const uint32_t* rows, size_t count) const {
  const size_t columns = data_.shape.size(), outputs = outputs_of(data_);
  piece.in.resize(count * columns);
  piece.targets.assign(count * outputs, 0.0F);
  for (size_t i = 0; i < count; ++i) {
    std::copy_n(data_.values.data() + rows[i] * columns, columns, piece.in.data() + i * columns);
    if (data_.classes.empty()) {
      piece.targets[i] = data_.numbers[rows[i]];
    } else {
      piece.targets[i * outputs + data_.classes[rows[i]]] = 1;
    }
  }
}

bool Training::is_correct(const float* outputs, uint32_t row) const {
  return !data_.classes.empty() && greatest(outputs, outputs_of(data_)) == data_.classes[row];
}

Result<Gradient> Training::gradient(const std::vector<float>& parameters, uint32_t epoch, uint32_t step,
                                    uint32_t shard) {
  const std::string place = "epoch " + std::to_string(epoch + 1) + ", step " + std::to_string(step + 1) + ", shard " +
                            std::to_string(shard + 1);
  if (Status status = check_parameters(parameters); !status) return in_context(place, status.error());
  if (step >= steps() || shard >= shards_of(step)) return fail(place + ": there is no such shard");
  if (ordered_epoch_ != epoch) {
    order_ = epoch_order(split_.training, plan_.seed, epoch);
    ordered_epoch_ = epoch;
  }
  const Range range = shard_of(batch_of(order_.size(), plan_.batch, step), plan_.shards, shard);
  const size_t outputs = outputs_of(data_);
  Gradient gradient{static_cast<uint32_t>(range.count), 0, 0, std::vector<float>(parameters.size(), 0.0F)};
  Piece piece;
  for (size_t done = 0; done < range.count; done += kPieceRows) {
    const size_t count = std::min(kPieceRows, range.count - done);
    const uint32_t* rows = order_.data() + range.first + done;
    fill(piece, rows, count);
    const auto& out = network_.forward(parameters.data(), piece.in.data(), count);
    std::vector<float> slopes(out.size(), 0.0F);
    for (size_t i = 0; i < count; ++i) {
      gradient.loss_sum += row_loss(plan_.loss, out.data() + i * outputs, piece.targets.data() + i * outputs, outputs,
                                    1.0 / static_cast<double>(range.count), slopes.data() + i * outputs);
      gradient.correct += is_correct(out.data() + i * outputs, rows[i]) ? 1 : 0;
    }
    network_.backward(parameters.data(), slopes, gradient.values.data());
  }
  if (std::isfinite(gradient.loss_sum) && all_finite(gradient.values)) return gradient;
  return no_longer_finite(place + (std::isfinite(gradient.loss_sum) ? ": the gradient" : ": the loss"));
}

Result<Evaluation> Training::evaluate(const std::vector<float>& parameters, Part part, size_t first, size_t count) {
  const std::vector<uint32_t>& rows = rows_of(part);
  if (Status status = check_parameters(parameters); !status) return in_context("evaluation", status.error());
  if (first > rows.size() || count > rows.size() - first) return fail("evaluation: there are no such rows");
  const size_t outputs = outputs_of(data_), classes = data_.classes.empty() ? 0 : outputs;
  Evaluation evaluation{count, 0, std::vector<uint64_t>(classes * classes, 0)};
  Piece piece;
  for (size_t done = 0; done < count; done += kPieceRows) {
    const size_t together = std::min(kPieceRows, count - done);
    fill(piece, rows.data() + first + done, together);
    const auto& out = network_.forward(parameters.data(), piece.in.data(), together);
    std::vector<float> unused(outputs);
    for (size_t i = 0; i < together; ++i) {
      const float* answer = out.data() + i * outputs;
      evaluation.loss_sum +=
          row_loss(plan_.loss, answer, piece.targets.data() + i * outputs, outputs, 0, unused.data());
      if (classes == 0) continue;
      const size_t line = data_.classes[rows[first + done + i]];
      ++evaluation.confusion[line * classes + greatest(answer, classes)];
    }
  }
  if (std::isfinite(evaluation.loss_sum)) return evaluation;
  return no_longer_finite("evaluation: the loss");
}

std::vector<float> combine(const std::vector<Gradient>& shards) {
  uint64_t rows = 0;
  for (const Gradient& shard : shards) rows += shard.rows;
  std::vector<double> sum(shards.empty() ? 0 : shards.front().values.size(), 0.0);
  for (const Gradient& shard : shards) {
    const double share = static_cast<double>(shard.rows) / static_cast<double>(rows);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += share * static_cast<double>(shard.values[i]);
  }
  return {sum.begin(), sum.end()};
}

size_t greatest(const float* values, size_t count) {
  return static_cast<size_t>(std::max_element(values, values + count) - values);
}

}  // namespace bramble::learn
