// What people see of a training and of answers. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "common/learn/model.hpp"
#include "common/learn/trainer.hpp"

namespace bramble::cli {

// What an epoch took.
struct EpochCost {
  double seconds = 0;
  double joules = 0;  // 0: no node told any
};

// "epoch  3/50  loss 0.1234 96.1%  held out 0.1301 95.8%  5210 rows/s 12.3 J best", at most 80 columns: what it cost
// is left out where that were longer.
std::string epoch_line(const learn::EpochReport& report, uint32_t epochs, bool classes, const EpochCost& cost);
nlohmann::json epoch_json(const learn::EpochReport& report, bool classes, const EpochCost& cost);

// "1437 rows to learn from, 359 held out; 64 values -> 10 classes; 4810 parameters", and what is odd about the data.
std::vector<std::string> training_notes(const learn::Training& training);

// Accuracy or mean squared error, and the confusion matrix where it is no larger than a person can read.
std::string evaluation_text(const learn::Evaluation& evaluation, const std::vector<std::string>& names);
nlohmann::json evaluation_json(const learn::Evaluation& evaluation, const std::vector<std::string>& names);

}  // namespace bramble::cli
