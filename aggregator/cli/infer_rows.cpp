#include "aggregator/cli/infer_rows.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/learn/calls.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr size_t kPieceValues = size_t{1} << 17;  // 512 KiB of a call
constexpr size_t kMostPieces = 256;

}  // namespace

Status answer_rows(Kernels& kernels, const learn::Dataset& data, const learn::Model& model, size_t together,
                   const std::function<Status(size_t first, const std::vector<float>& answers)>& take) {
  const size_t columns = model.input.size();
  // So many rows that all nodes have some, and that neither rows nor answers grow beyond a call.
  const size_t fair = std::max<size_t>(1, data.rows / std::max<size_t>(1, together));
  const size_t piece = std::max<size_t>(1, std::min(fair, kPieceValues / std::max(columns, model.outputs())));
  for (size_t first = 0; first < data.rows;) {
    std::vector<std::string> calls;
    const size_t begin = first;
    for (; first < data.rows && calls.size() < std::clamp<size_t>(together, 1, kMostPieces); first += piece) {
      const float* from = data.values.data() + first * columns;
      const float* to = from + std::min(piece, data.rows - first) * columns;
      calls.push_back(learn::encode_call(learn::AnswerCall{std::vector<float>(from, to)}));
    }
    const auto results = kernels.ask(calls, {}, calls.size());
    if (!results) return tl::unexpected(results.error());
    for (size_t i = 0; i < results->size(); ++i) {
      const size_t row = begin + i * piece;
      const auto answers = learn::decode_floats((*results)[i]);
      if (!answers) return tl::unexpected(answers.error());
      if (answers->size() != std::min(piece, data.rows - row) * model.outputs()) {
        return fail(ErrorCode::corrupt, "a node answered " + std::to_string(answers->size()) +
                                            " values for the rows from " + std::to_string(row + 1) + " on");
      }
      if (Status status = take(row, *answers); !status) return status;
    }
  }
  return {};
}

void judge(learn::Evaluation& evaluation, const learn::Model& model, const learn::Dataset& data, size_t row,
           const float* answer) {
  if (!data.numbers.empty()) {
    const double difference = static_cast<double>(answer[0]) - static_cast<double>(data.numbers[row]);
    evaluation.loss_sum += difference * difference;
    ++evaluation.rows;
  }
  if (data.classes.empty()) return;
  const size_t classes = model.labels.size();
  evaluation.confusion.resize(classes * classes);
  ++evaluation.confusion[data.classes[row] * classes + learn::greatest(answer, classes)];
  ++evaluation.rows;
}

json answer_json(const learn::Model& model, const learn::Dataset& data, size_t row, const float* answer) {
  json object = {{"row", row + 1}};
  if (model.labels.empty()) {
    object["answer"] = answer[0];
    if (!data.numbers.empty()) object["target"] = data.numbers[row];
    return object;
  }
  object["answer"] = model.class_names[learn::greatest(answer, model.labels.size())];
  object["probabilities"] = std::vector<float>(answer, answer + model.labels.size());
  if (!data.classes.empty()) object["label"] = model.class_names[data.classes[row]];
  return object;
}

}  // namespace bramble::cli
