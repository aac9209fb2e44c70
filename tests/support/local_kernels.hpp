// The kernel `mlp` without a process: what bramble train and infer ask is answered here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/cli/kernel_job.hpp"
#include "common/learn/calls.hpp"
#include "common/learn/model.hpp"

namespace bramble::test {

class LocalKernels : public cli::Kernels {
 public:
  explicit LocalKernels(const std::vector<cli::KernelFile>& files) {
    for (const auto& file : files) files_[file.name] = file.bytes;
  }

  Result<std::vector<std::string>> ask(const std::vector<std::string>& calls, const std::vector<cli::KernelFile>& files,
                                       size_t) override {
    for (const auto& file : files) files_[file.name] = file.bytes;
    std::vector<std::string> results;
    for (const std::string& call : calls) {
      ++asked_;
      auto result = std::visit([this](const auto& each) { return answer(each); }, *learn::decode_call(call));
      if (!result) return tl::unexpected(result.error());
      results.push_back(std::move(*result));
    }
    return results;
  }

  size_t asked() const { return asked_; }

 private:
  Result<std::string> answer(const learn::GradientCall& call) {
    auto gradient =
        training().gradient(*learn::decode_floats(files_.at(call.parameters)), call.epoch, call.step, call.shard);
    return gradient.map(learn::encode_gradient);
  }

  Result<std::string> answer(const learn::EvaluationCall& call) {
    auto evaluation =
        training().evaluate(*learn::decode_floats(files_.at(call.parameters)), call.part, call.first, call.count);
    return evaluation.map(learn::encode_evaluation);
  }

  Result<std::string> answer(const learn::AnswerCall& call) {
    auto inference = learn::Inference::of(*learn::decode_model(files_.at(learn::kModelFile)));
    return inference->answer(call.rows).map(learn::encode_floats);
  }

  learn::Training& training() {
    if (!training_) {
      const auto fetch = [this](const std::string& name) -> Result<std::string> { return files_.at(name); };
      training_ = *learn::Training::prepare(*learn::decode_plan(files_.at(learn::kPlanFile)), fetch);
    }
    return *training_;
  }

  std::map<std::string, std::string> files_;
  std::optional<learn::Training> training_;
  size_t asked_ = 0;
};

}  // namespace bramble::test
