#include "aggregator/cli/progress.hpp"
#include "common/base/duration.hpp"

#include <fmt/format.h>

namespace bramble::cli {
namespace {

constexpr int64_t kWindowMs = 30'000;
constexpr int64_t kPointEveryMs = 1'000;

}  // namespace

void Progress::update(MonoTime now, const ProgressCounts& counts) {
  counts_ = counts;
  // The newest point moves along until it is a second past the one before it.
  if (points_.size() >= 2 && points_.back().at - points_[points_.size() - 2].at < kPointEveryMs) points_.pop_back();
  points_.push_back({now, counts.ended()});
  while (points_.size() > 2 && now - points_.front().at > kWindowMs) points_.pop_front();
}

double Progress::tasks_per_s() const {
  if (points_.size() < 2) return 0;
  const int64_t elapsed_ms = points_.back().at - points_.front().at;
  if (elapsed_ms <= 0) return 0;
  return static_cast<double>(points_.back().ended - points_.front().ended) * 1000 / static_cast<double>(elapsed_ms);
}

std::optional<int64_t> Progress::left_ms() const {
  const double rate = tasks_per_s();
  if (counts_.open || rate <= 0 || counts_.total < counts_.ended()) return std::nullopt;
  return static_cast<int64_t>(static_cast<double>(counts_.total - counts_.ended()) / rate * 1000);
}

std::string Progress::line() const {
  std::string line = fmt::format("{}/{}{} done", counts_.succeeded, counts_.total, counts_.open ? "+" : "");
  if (counts_.failed > 0) line += fmt::format(", {} failed", counts_.failed);
  if (counts_.cancelled > 0) line += fmt::format(", {} cancelled", counts_.cancelled);
  line += fmt::format(", {} running", counts_.running);
  if (const double rate = tasks_per_s(); rate > 0) line += fmt::format(", {:.1f}/s", rate);
  if (const auto left = left_ms(); left && *left > 0) line += fmt::format(", {} left", format_duration(*left));
  return line;
}

}  // namespace bramble::cli
