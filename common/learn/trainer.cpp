#include "common/learn/trainer.hpp"

#include <algorithm>
#include <utility>

#include "common/learn/arithmetic.hpp"
#include "common/learn/bytes.hpp"

namespace bramble::learn {
namespace {

constexpr std::string_view kCheckpointKind = "BRMC";
constexpr uint32_t kCheckpointVersion = 1;
constexpr size_t kMaxText = size_t{16} << 20;

// What a checkpoint must have been made with.
std::string circumstances(const Training& training, const TrainerSettings& settings, const std::string& data) {
  Plan plan = training.plan();
  plan.data.file = plan.data.labels_file = {};  // what is in them counts, not where they lie
  Writer writer;
  writer.text(encode_plan(plan));
  writer.text(data);
  writer.number(settings.optimiser.method);
  for (const double number : {settings.optimiser.rate, settings.optimiser.momentum, settings.optimiser.beta1,
                              settings.optimiser.beta2, settings.optimiser.epsilon}) {
    writer.number(number);
  }
  return writer.take();
}

}  // namespace

Result<std::vector<Gradient>> LocalWorkers::gradients(const std::vector<float>& parameters, uint32_t epoch,
                                                      uint32_t step) {
  std::vector<Gradient> gradients;
  for (uint32_t shard = 0; shard < training_.shards_of(step); ++shard) {
    auto gradient = training_.gradient(parameters, epoch, step, shard);
    if (!gradient) return tl::unexpected<Error>(gradient.error());
    gradients.push_back(std::move(*gradient));
  }
  return gradients;
}

Result<Evaluation> LocalWorkers::evaluate(const std::vector<float>& parameters, Part part) {
  Evaluation sum;
  const size_t rows = training_.rows_of(part).size();
  for (size_t first = 0; first < rows; first += kEvaluationRows) {
    auto piece = training_.evaluate(parameters, part, first, std::min(kEvaluationRows, rows - first));
    if (!piece) return piece;
    sum.add(*piece);
  }
  return sum;
}

Trainer::Trainer(const Training& training, const TrainerSettings& settings, Workers& workers)
    : training_(training), settings_(settings), workers_(workers) {
  state_.parameters = training.initial();
  state_.best_parameters = state_.parameters;
  state_.optimiser = start_state(settings.optimiser, state_.parameters.size());
}

std::string Trainer::checkpoint(const std::string& data) const {
  Writer writer;
  writer.text(circumstances(training_, settings_, data));
  writer.number(state_.epochs_done);
  writer.number(state_.best_epoch);
  writer.number(state_.best_loss);
  writer.number(state_.optimiser.beta1_power);
  writer.number(state_.optimiser.beta2_power);
  for (const auto* list :
       {&state_.parameters, &state_.best_parameters, &state_.optimiser.first, &state_.optimiser.second}) {
    writer.list(*list);
  }
  return seal(kCheckpointKind, kCheckpointVersion, writer.take());
}

Status Trainer::resume(std::string_view checkpoint, const std::string& data) {
  const auto content = unseal(kCheckpointKind, kCheckpointVersion, checkpoint);
  if (!content) return in_context("the checkpoint", content.error());
  Reader reader(*content);
  if (reader.text(kMaxText) != circumstances(training_, settings_, data)) {
    return fail(
        ErrorCode::conflict,
        "the checkpoint is of another training: data, layers, seed or optimizer differ; remove it to start anew");
  }
  TrainerState state;
  state.epochs_done = reader.number<uint32_t>();
  state.best_epoch = reader.number<uint32_t>();
  state.best_loss = reader.number<double>();
  state.optimiser.beta1_power = reader.number<double>();
  state.optimiser.beta2_power = reader.number<double>();
  for (auto* list : {&state.parameters, &state.best_parameters, &state.optimiser.first, &state.optimiser.second}) {
    *list = reader.list<float>(kMaxParameters);
  }
  const bool fits = state.parameters.size() == state_.parameters.size() &&
                    state.best_parameters.size() == state_.parameters.size() &&
                    state.optimiser.first.size() == state_.optimiser.first.size() &&
                    state.optimiser.second.size() == state_.optimiser.second.size();
  const bool sane = all_finite(state.parameters) && all_finite(state.best_parameters) && check_state(state.optimiser);
  if (!reader.at_end() || !fits || !sane) return fail(ErrorCode::corrupt, "the checkpoint: it makes no sense");
  state_ = std::move(state);
  return {};
}

bool Trainer::done() const {
  if (state_.epochs_done >= settings_.epochs) return true;
  return settings_.patience > 0 && state_.epochs_done >= state_.best_epoch + settings_.patience;
}

Result<EpochReport> Trainer::next_epoch() {
  EpochReport report;
  report.epoch = state_.epochs_done + 1;
  Status status = learn(report);
  if (status) status = judge(report);
  if (!status) return tl::unexpected<Error>(status.error());
  state_.epochs_done = report.epoch;
  return report;
}

Status Trainer::learn(EpochReport& report) {
  uint64_t correct = 0;
  double loss_sum = 0;
  for (uint32_t step = 0; step < training_.steps(); ++step) {
    const auto shards = workers_.gradients(state_.parameters, state_.epochs_done, step);
    if (!shards) return tl::unexpected<Error>(shards.error());
    for (const Gradient& shard : *shards) {
      report.rows += shard.rows;
      loss_sum += shard.loss_sum;
      correct += shard.correct;
    }
    take_step(settings_.optimiser, state_.optimiser, combine(*shards), state_.parameters);
    // Here and not only where they are used next: after the last step of all nobody uses them.
    Status status = training_.check_parameters(state_.parameters);
    if (status) status = check_state(state_.optimiser);
    if (!status) {
      return in_context("epoch " + std::to_string(report.epoch) + ", step " + std::to_string(step + 1), status.error());
    }
  }
  report.loss = loss_sum / static_cast<double>(report.rows);
  report.accuracy = static_cast<double>(correct) / static_cast<double>(report.rows);
  return {};
}

Status Trainer::judge(EpochReport& report) {
  if (!training_.rows_of(Part::validation).empty()) {
    auto validation = workers_.evaluate(state_.parameters, Part::validation);
    if (!validation) return in_context("epoch " + std::to_string(report.epoch), validation.error());
    report.validation = std::move(*validation);
  }
  const bool validates = report.validation.rows > 0;
  const double loss = validates ? report.validation.loss() : report.loss;
  const bool better = state_.best_epoch == 0 || loss < state_.best_loss;
  report.best = better;
  if (better) {
    state_.best_epoch = report.epoch;
    state_.best_loss = loss;
  }
  if (better || !validates) state_.best_parameters = state_.parameters;
  return {};
}

}  // namespace bramble::learn
