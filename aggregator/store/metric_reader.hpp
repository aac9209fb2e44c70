// Gathers the steps of one question about metrics from the tiers of telemetry.db.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "aggregator/store/metric_steps.hpp"
#include "aggregator/store/telemetry_rollups.hpp"
#include "aggregator/store/telemetry_schema.hpp"

namespace bramble::aggregator {

// One metric as it was asked for.
struct AskedMetric {
  std::string name;
  std::optional<size_t> place;  // in kTelemetryColumns; nothing: one of other_metrics
  int64_t other_id = 0;
  Aggregate aggregate = Aggregate::mean;

  bool is_counter() const { return place && kTelemetryColumns[*place].is_counter(); }
};

class MetricReader {
 public:
  // max_kept_values: readings of gauges that a p95 may hold in memory.
  MetricReader(sqlite::Connection& connection, std::map<std::string, int64_t> nodes, std::vector<AskedMetric> metrics,
               Steps steps, size_t max_kept_values);

  Status read(Tier tier, const TierBounds& bounds);
  MetricAnswer answer() const;

 private:
  // What counters of a node were before the next reading.
  struct Before {
    bool seen = false;
    int64_t last_us = 0;
    Life life;
    std::vector<std::optional<int64_t>> counters;  // by the asked metrics
  };

  ColumnSet asked_columns() const;
  StepCell& cell(size_t node, size_t metric, int64_t ts_us);
  // A reading of a gauge; a p95 must keep it.
  Status add_value(size_t node, size_t metric, int64_t ts_us, double value);
  Status read_rollups(std::string_view table, int64_t from_us, int64_t to_us);
  void add_rollup(size_t node, const sqlite::Statement& row);
  void find_rollup_places();
  Status read_readings(int64_t from_us, int64_t rolled_to_us);
  Status begin_counters(int64_t before_us);
  Status add_reading(const sqlite::Statement& row, int64_t from_us);
  void add_count(size_t node, size_t metric, int64_t ts_us, int64_t value, const Life& life, Succession order,
                 bool wanted);
  Status read_others(const AskedMetric& metric, size_t index);
  Status read_hours_of_others(const AskedMetric& metric, size_t index, int64_t raw_from_us);

  sqlite::Connection& connection_;
  std::vector<std::pair<std::string, int64_t>> nodes_;
  std::unordered_map<int64_t, size_t> place_of_node_;
  const std::vector<AskedMetric> metrics_;
  const Steps steps_;
  const size_t max_kept_values_;
  ColumnSet columns_ = 0;                      // that are asked for and there
  std::vector<std::optional<int>> rollup_at_;  // by the metrics: where a rollup's row has it
  Tier tier_ = Tier::raw;
  TelemetrySources sources_;
  std::vector<Before> before_;
  std::vector<std::vector<StepCell>> series_;  // node * metrics + metric
  size_t kept_values_ = 0;
};

}  // namespace bramble::aggregator
