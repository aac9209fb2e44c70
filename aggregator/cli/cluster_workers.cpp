#include "aggregator/cli/cluster_workers.hpp"

#include <algorithm>
#include <utility>

#include "common/learn/calls.hpp"
#include "common/posix/digest.hpp"

namespace bramble::cli {
namespace {

constexpr const char* kDataFile = "data";
constexpr const char* kLabelsFile = "labels";
constexpr size_t kMostCalls = 256;  // at once

// A name that says what is in it: a kernel reads each name once.
KernelFile file_of(const std::vector<float>& parameters) {
  std::string bytes = learn::encode_floats(parameters);
  std::string name = "params-" + posix::sha256_hex(bytes);
  return {std::move(name), std::move(bytes)};
}

}  // namespace

Result<std::vector<learn::Gradient>> ClusterWorkers::gradients(const std::vector<float>& parameters, uint32_t epoch,
                                                               uint32_t step) {
  const KernelFile file = file_of(parameters);
  std::vector<std::string> calls;
  for (uint32_t shard = 0; shard < training_.shards_of(step); ++shard) {
    calls.push_back(learn::encode_call(learn::GradientCall{epoch, step, shard, file.name}));
  }
  const auto results = kernels_.ask(calls, {file});
  if (!results) return tl::unexpected(results.error());
  std::vector<learn::Gradient> gradients;
  for (const std::string& result : *results) {
    auto gradient = learn::decode_gradient(result, parameters.size());
    if (!gradient) return tl::unexpected(gradient.error());
    gradients.push_back(std::move(*gradient));
  }
  return gradients;
}

Result<learn::Evaluation> ClusterWorkers::evaluate(const std::vector<float>& parameters, learn::Part part) {
  const KernelFile file = file_of(parameters);
  const size_t rows = training_.rows_of(part).size();
  learn::Evaluation sum;
  for (size_t first = 0; first < rows;) {
    std::vector<std::string> calls;
    for (; first < rows && calls.size() < kMostCalls; first += learn::kEvaluationRows) {
      const auto count = static_cast<uint32_t>(std::min(learn::kEvaluationRows, rows - first));
      calls.push_back(learn::encode_call(learn::EvaluationCall{part, static_cast<uint32_t>(first), count, file.name}));
    }
    const auto results = kernels_.ask(calls, {file});
    if (!results) return tl::unexpected(results.error());
    for (const std::string& result : *results) {
      const auto piece = learn::decode_evaluation(result, training_.data().labels.size());
      if (!piece) return tl::unexpected(piece.error());
      sum.add(*piece);
    }
  }
  return sum;
}

Result<std::vector<KernelFile>> files_for_kernels(const learn::Plan& plan, const learn::Fetch& fetch) {
  learn::Plan there = plan;
  std::vector<KernelFile> files;
  const auto take = [&](std::string& file, const char* name) -> Status {
    auto text = fetch(file);
    if (!text) return tl::unexpected(text.error());
    file = name;
    files.push_back({name, std::move(*text)});
    return {};
  };
  Status status = take(there.data.file, kDataFile);
  if (status && !there.data.labels_file.empty()) status = take(there.data.labels_file, kLabelsFile);
  if (!status) return tl::unexpected(status.error());
  files.push_back({learn::kPlanFile, learn::encode_plan(there)});
  return files;
}

}  // namespace bramble::cli
