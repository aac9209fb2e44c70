// What `bramble train` is asked for: a TOML file (aggregator/cli/LEARNING.md). Unknown keys are errors that name the
// nearest known one; errors name file and line.
#pragma once

#include <string>

#include "common/base/result.hpp"
#include "common/learn/plan.hpp"
#include "common/learn/trainer.hpp"

namespace bramble::cli {

struct TrainSpec {
  learn::Plan plan;  // files as they can be opened from here
  learn::TrainerSettings settings;
};

Result<TrainSpec> read_train_spec(const std::string& path);
Result<TrainSpec> parse_train_spec(const std::string& text, const std::string& path);

}  // namespace bramble::cli
