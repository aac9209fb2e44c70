// Rows to kernels `mlp` and answers back, in the order of the rows.
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "aggregator/cli/kernel_job.hpp"
#include "common/learn/model.hpp"

namespace bramble::cli {

// Calls `take` with the answers of rows from `first` on, piece by piece. `together`: pieces that are asked at once.
Status answer_rows(Kernels& kernels, const learn::Dataset& data, const learn::Model& model, size_t together,
                   const std::function<Status(size_t first, const std::vector<float>& answers)>& take);

// Adds what the answer to a row says of the model; nothing where the row has no label.
void judge(learn::Evaluation& evaluation, const learn::Model& model, const learn::Dataset& data, size_t row,
           const float* answer);

// {"row":1,"answer":NAME,"probabilities":[...],"label":NAME}, or {"row":1,"answer":NUMBER,"target":NUMBER}
nlohmann::json answer_json(const learn::Model& model, const learn::Dataset& data, size_t row, const float* answer);

}  // namespace bramble::cli
