// What the parameters of questions about metrics and energy say, and their answers as JSON. Pure.
#pragma once

#include <string>

#include "aggregator/core/store.hpp"
#include "aggregator/http/routes.hpp"
#include "common/base/clock.hpp"
#include "common/base/selector.hpp"

namespace bramble::aggregator::http {

inline constexpr size_t kMaxAskedMetrics = 16;
inline constexpr uint64_t kMaxAskedSpanMs = uint64_t{40} * 366 * 86'400'000;

using RequestParams = std::vector<std::pair<std::string, std::string>>;

// metric, nodes, since_ms, until_ms, step_ms, agg, time_limit_ms; query_id is the caller's. Without a time it is the
// last hour by the minute.
Result<MetricQuestion> parse_metric_question(const RequestParams& params, WallTime now);

struct EnergyRequest {
  EnergyQuestion question;  // without jobs
  std::optional<JobSelector> jobs;
};

// by, nodes, jobs, since_ms, until_ms, time_limit_ms. Without a time it is the last day.
Result<EnergyRequest> parse_energy_question(const RequestParams& params, WallTime now);

std::string render_metrics(const MetricAnswer& answer);
std::string render_energy(const EnergyAnswer& answer);

}  // namespace bramble::aggregator::http
