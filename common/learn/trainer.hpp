// The course of a training: epochs of steps, validation, early stopping, checkpoints. Where gradients are computed is
// behind an interface, and does not change one bit of what comes out. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/learn/optimiser.hpp"
#include "common/learn/training.hpp"

namespace bramble::learn {

inline constexpr uint32_t kMaxEpochs = 1'000'000;

struct TrainerSettings {
  OptimiserSettings optimiser;
  uint32_t epochs = 50;
  uint32_t patience = 0;  // epochs without a better validation before it stops; 0: it never stops early

  bool operator==(const TrainerSettings&) const = default;
};

// Whoever computes gradients: this process, or nodes.
class Workers {
 public:
  virtual ~Workers() = default;

  // Of all shards of the step, in their order.
  virtual Result<std::vector<Gradient>> gradients(const std::vector<float>& parameters, uint32_t epoch,
                                                  uint32_t step) = 0;
  // Of the whole part, in pieces of kEvaluationRows added up in their order.
  virtual Result<Evaluation> evaluate(const std::vector<float>& parameters, Part part) = 0;
};

// Computes here.
class LocalWorkers : public Workers {
 public:
  explicit LocalWorkers(Training& training) : training_(training) {}

  Result<std::vector<Gradient>> gradients(const std::vector<float>& parameters, uint32_t epoch, uint32_t step) override;
  Result<Evaluation> evaluate(const std::vector<float>& parameters, Part part) override;

 private:
  Training& training_;
};

struct EpochReport {
  uint32_t epoch = 0;  // counted from 1
  uint64_t rows = 0;
  double loss = 0;        // while it learned: the mean over the epoch's steps
  double accuracy = 0;    // 0 where numbers are estimated
  Evaluation validation;  // no rows where none were set aside
  bool best = false;
};

// Where a training stands between two epochs.
struct TrainerState {
  uint32_t epochs_done = 0;
  std::vector<float> parameters;
  OptimiserState optimiser;
  uint32_t best_epoch = 0;  // counted from 1; 0: none yet
  double best_loss = 0;
  std::vector<float> best_parameters;

  bool operator==(const TrainerState&) const = default;
};

class Trainer {
 public:
  Trainer(const Training& training, const TrainerSettings& settings, Workers& workers);

  // Goes on from a checkpoint of the same plan, settings and data; `data` names the data, such as by its digest.
  Status resume(std::string_view checkpoint, const std::string& data);
  std::string checkpoint(const std::string& data) const;

  bool done() const;
  bool stopped_early() const { return done() && state_.epochs_done < settings_.epochs; }
  Result<EpochReport> next_epoch();

  const TrainerState& state() const { return state_; }
  // Those of the best epoch, by the loss of the validation; without validation the last.
  const std::vector<float>& result() const { return state_.best_parameters; }

 private:
  Status learn(EpochReport& report);
  Status judge(EpochReport& report);

  const Training& training_;
  TrainerSettings settings_;
  Workers& workers_;
  TrainerState state_;
};

}  // namespace bramble::learn
