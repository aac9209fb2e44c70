// What the head asks of a node and what comes back, as bytes. Pure. agent/kernels/README.md has it in words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/result.hpp"
#include "common/learn/training.hpp"

namespace bramble::learn {

// Names of files that lie where a node computes. Parameters: a file of their own for each step.
inline constexpr const char* kPlanFile = "plan";
inline constexpr const char* kModelFile = "model";

struct GradientCall {
  uint32_t epoch = 0;
  uint32_t step = 0;
  uint32_t shard = 0;
  std::string parameters;  // file

  bool operator==(const GradientCall&) const = default;
};

struct EvaluationCall {
  Part part = Part::validation;
  uint32_t first = 0;
  uint32_t count = 0;
  std::string parameters;  // file

  bool operator==(const EvaluationCall&) const = default;
};

struct AnswerCall {
  std::vector<float> rows;

  bool operator==(const AnswerCall&) const = default;
};

using LearnCall = std::variant<GradientCall, EvaluationCall, AnswerCall>;

std::string encode_call(const LearnCall& call);
Result<LearnCall> decode_call(std::string_view bytes);

std::string encode_gradient(const Gradient& gradient);
Result<Gradient> decode_gradient(std::string_view bytes, size_t parameters);

std::string encode_evaluation(const Evaluation& evaluation);
Result<Evaluation> decode_evaluation(std::string_view bytes, size_t classes);

// Lists of numbers: parameters as a file, answers as a result.
std::string encode_floats(const std::vector<float>& values);
Result<std::vector<float>> decode_floats(std::string_view bytes);

}  // namespace bramble::learn
