#include "aggregator/cli/cluster_workers.hpp"

#include <algorithm>
#include <utility>

#include "common/learn/calls.hpp"
#include "common/posix/digest.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::cli {
namespace {

constexpr const char* kDataFile = "data";
constexpr const char* kLabelsFile = "labels";
constexpr size_t kMostCalls = 256;  // at once
constexpr int64_t kLongMs = 250;
constexpr uint64_t kReplyBytes = 64;  // at most, besides its numbers

// A name that says what is in it: a kernel reads each name once.
KernelFile file_of(const std::vector<float>& parameters) {
  std::string bytes = learn::encode_floats(parameters);
  std::string name = "params-" + posix::sha256_hex(bytes);
  return {std::move(name), std::move(bytes)};
}

}  // namespace

size_t task_count(size_t calls, uint64_t result_bytes, uint64_t slots, int64_t last_ms) {
  const uint64_t rounds = 1 + static_cast<uint64_t>(std::max<int64_t>(last_ms, 0) / kLongMs);
  const uint64_t together = std::max<uint64_t>(kMostTaskResultBytes / std::max<uint64_t>(result_bytes, 1), 1);
  const uint64_t least = (calls + together - 1) / together;
  return static_cast<size_t>(std::min<uint64_t>(calls, std::max(least, slots * rounds)));
}

Result<std::vector<std::string>> ClusterWorkers::ask(const std::vector<std::string>& calls,
                                                     const KernelFile& parameters, uint64_t result_bytes,
                                                     int64_t& last_ms) {
  const MonoTime begin = posix::mono_now();
  auto results = kernels_.ask(calls, {parameters}, task_count(calls.size(), result_bytes, slots_, last_ms));
  last_ms = posix::mono_now() - begin;
  return results;
}

Result<std::vector<learn::Gradient>> ClusterWorkers::gradients(const std::vector<float>& parameters, uint32_t epoch,
                                                               uint32_t step) {
  const KernelFile file = file_of(parameters);
  std::vector<std::string> calls;
  for (uint32_t shard = 0; shard < training_.shards_of(step); ++shard) {
    calls.push_back(learn::encode_call(learn::GradientCall{epoch, step, shard, file.name}));
  }
  const auto results = ask(calls, file, parameters.size() * sizeof(float) + kReplyBytes, gradients_ms_);
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
  const size_t rows = training_.rows_of(part).size(), classes = training_.data().labels.size();
  learn::Evaluation sum;
  for (size_t first = 0; first < rows;) {
    std::vector<std::string> calls;
    for (; first < rows && calls.size() < kMostCalls; first += learn::kEvaluationRows) {
      const auto count = static_cast<uint32_t>(std::min(learn::kEvaluationRows, rows - first));
      calls.push_back(learn::encode_call(learn::EvaluationCall{part, static_cast<uint32_t>(first), count, file.name}));
    }
    const auto results = ask(calls, file, classes * classes * sizeof(uint64_t) + kReplyBytes, evaluation_ms_);
    if (!results) return tl::unexpected(results.error());
    for (const std::string& result : *results) {
      const auto piece = learn::decode_evaluation(result, classes);
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
