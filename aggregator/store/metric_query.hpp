// Answers questions about metrics and about energy from telemetry.db and jobs.db.
#pragma once

#include <functional>
#include <string>

#include "aggregator/core/store.hpp"

namespace bramble::aggregator {

// What one question about metrics may come to.
inline constexpr size_t kMaxSeriesPoints = 200'000;  // of all series together
inline constexpr size_t kMaxKeptValues = 5'000'000;  // readings that a p95 holds in memory

// Thread-safe: a connection of its own for each question.
class SqliteTelemetryQuery final : public TelemetryQuery {
 public:
  // flush_telemetry: as for SqliteSqlQuery.
  SqliteTelemetryQuery(std::string telemetry_path, std::string jobs_path, std::function<void()> flush_telemetry,
                       size_t max_kept_values = kMaxKeptValues);

  Result<MetricAnswer> metrics(const MetricQuestion& question) override;
  Result<EnergyAnswer> energy(const EnergyQuestion& question) override;

 private:
  const std::string telemetry_path_;
  const std::string jobs_path_;
  const std::function<void()> flush_telemetry_;
  const size_t max_kept_values_;
};

}  // namespace bramble::aggregator
