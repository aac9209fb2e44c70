#include "aggregator/store/metric_reader.hpp"

#include <algorithm>

#include "aggregator/store/metric_query.hpp"

namespace bramble::aggregator {
namespace {

double in_unit(size_t place, int64_t scaled) { return static_cast<double>(scaled) / kTelemetryColumns[place].scale; }

}  // namespace

MetricReader::MetricReader(sqlite::Connection& connection, std::map<std::string, int64_t> nodes,
                           std::vector<AskedMetric> metrics, Steps steps, size_t max_kept_values)
    : connection_(connection),
      nodes_(nodes.begin(), nodes.end()),
      metrics_(std::move(metrics)),
      steps_(steps),
      max_kept_values_(max_kept_values),
      before_(nodes_.size()),
      series_(nodes_.size() * metrics_.size(), std::vector<StepCell>(steps.count)) {
  for (size_t i = 0; i < nodes_.size(); ++i) place_of_node_[nodes_[i].second] = i;
  for (auto& before : before_) before.counters.resize(metrics_.size());
}

ColumnSet MetricReader::asked_columns() const {
  ColumnSet columns = 0;
  for (const auto& metric : metrics_) columns |= metric.place ? ColumnSet{1} << *metric.place : 0;
  return columns;
}

StepCell& MetricReader::cell(size_t node, size_t metric, int64_t ts_us) {
  return series_[node * metrics_.size() + metric][steps_.of(ts_us)];
}

Status MetricReader::add_value(size_t node, size_t metric, int64_t ts_us, double value) {
  const bool keep = metrics_[metric].aggregate == Aggregate::p95;
  cell(node, metric, ts_us).add_value(value, keep);
  if (!keep || ++kept_values_ <= max_kept_values_) return {};
  return fail("a p95 over more than " + std::to_string(max_kept_values_) +
              " readings: ask for fewer nodes or metrics, or a shorter time");
}

// Where the tier ends (minutes and hours that have not ended yet) the finer one goes on.
Status MetricReader::read(Tier tier, const TierBounds& bounds) {
  tier_ = tier;
  const auto stored = columns_of_store(connection_);
  if (!stored) return fail(stored.error());
  columns_ = asked_columns() & *stored;
  find_rollup_places();
  if (columns_ != 0) {
    int64_t from_us = steps_.since_us;
    const int64_t end_us = steps_.end_us();
    const int64_t hours_us = floor_to(bounds.rolled_to_us, kHourUs);
    for (const auto& [table, wanted, to_us] : {std::tuple{kHourTable, tier == Tier::hour, hours_us},
                                               std::tuple{kMinuteTable, tier != Tier::raw, bounds.rolled_to_us}}) {
      const int64_t until_us = std::min(end_us, to_us);
      if (!wanted || until_us <= from_us) continue;
      if (Status status = read_rollups(table, from_us, until_us); !status) return status;
      from_us = until_us;
    }
    if (from_us < end_us) {
      if (Status status = read_readings(from_us, bounds.rolled_to_us); !status) return status;
    }
  }
  for (size_t i = 0; i < metrics_.size(); ++i) {
    if (metrics_[i].place) continue;
    if (Status status = read_hours_of_others(metrics_[i], i, bounds.raw_from_us); !status) return status;
    if (Status status = read_others(metrics_[i], i); !status) return status;
  }
  return {};
}

Status MetricReader::read_rollups(std::string_view table, int64_t from_us, int64_t to_us) {
  auto statement = connection_.prepare(
      select_rollup_sql(table, columns_, "node_id = ? AND ts_us >= ? AND ts_us < ? ORDER BY ts_us"));
  if (!statement) return fail(statement.error());
  for (size_t node = 0; node < nodes_.size(); ++node) {
    Status status = statement->each(
        [&](const sqlite::Statement& row) -> Status {
          add_rollup(node, row);
          return {};
        },
        nodes_[node].second, from_us, to_us);
    if (!status) return status;
  }
  return {};
}

// Of select_rollup_sql(); only what was asked for is looked at, for there may be many rows.
void MetricReader::add_rollup(size_t node, const sqlite::Statement& row) {
  const int64_t ts_us = row.integer(1);
  for (size_t i = 0; i < metrics_.size(); ++i) {
    if (!rollup_at_[i]) continue;
    const int at = *rollup_at_[i];
    const size_t place = *metrics_[i].place;
    StepCell& step = cell(node, i, ts_us);
    if (metrics_[i].is_counter()) {
      step.add_counter(in_unit(place, row.integer(at)), in_unit(place, row.integer(at + 1)),
                       static_cast<double>(row.integer(3)) / 1e6, !row.is_null(at + 1));
    } else if (!row.is_null(at)) {
      step.add_gauge(in_unit(place, row.integer(at)), in_unit(place, row.integer(at + 1)),
                     in_unit(place, row.integer(at + 2)), static_cast<double>(row.integer(2)));
    }
  }
}

void MetricReader::find_rollup_places() {
  rollup_at_.assign(metrics_.size(), std::nullopt);
  int at = kRollupHeadColumns;
  for_each_column(columns_, [&](size_t place) {
    for (size_t i = 0; i < metrics_.size(); ++i) {
      if (metrics_[i].place == place) rollup_at_[i] = at;
    }
    at += kTelemetryColumns[place].is_counter() ? 2 : 3;
  });
}

// Counters go on from the newest minute before that is rolled up: all readings since then are looked at, too.
Status MetricReader::read_readings(int64_t from_us, int64_t rolled_to_us) {
  const bool counts =
      std::any_of(metrics_.begin(), metrics_.end(), [](const auto& metric) { return metric.is_counter(); });
  const int64_t minute_us = counts ? std::min(floor_to(from_us, kMinuteUs), rolled_to_us) : from_us;
  if (Status status = sources_.prepare_reading(connection_); !status) return status;
  if (Status status = counts ? begin_counters(minute_us) : Status{}; !status) return status;
  auto statement = connection_.prepare(select_readings_sql(columns_));
  if (!statement) return fail(statement.error());
  return statement->each([&](const sqlite::Statement& row) { return add_reading(row, from_us); }, minute_us,
                         steps_.end_us());
}

Status MetricReader::begin_counters(int64_t before_us) {
  auto statement = connection_.prepare(
      select_rollup_sql(kMinuteTable, columns_, "node_id = ? AND ts_us < ? ORDER BY ts_us DESC LIMIT 1"));
  if (!statement) return fail(statement.error());
  for (size_t node = 0; node < nodes_.size(); ++node) {
    Before& before = before_[node];
    Status status = statement->each(
        [&](const sqlite::Statement& row) -> Status {
          const Rollup rollup = read_rollup(row, columns_);
          const auto source = sources_.source(rollup.last_source);
          if (!source) return fail(source.error());
          before.seen = true;
          before.last_us = rollup.last_us;
          before.life = source->life;
          for (size_t i = 0; i < metrics_.size(); ++i) {
            if (!metrics_[i].is_counter()) continue;
            const MetricSummary& summary = rollup.metrics[*metrics_[i].place];
            if (summary.has_last) before.counters[i] = summary.last;
          }
          return {};
        },
        nodes_[node].second, before_us);
    if (!status) return status;
  }
  return {};
}

Status MetricReader::add_reading(const sqlite::Statement& row, int64_t from_us) {
  const int64_t ts_us = row.integer(0);
  const auto source = sources_.source(row.integer(1));
  if (!source) return fail(source.error());
  const auto found = place_of_node_.find(source->node_id);
  if (found == place_of_node_.end()) return {};
  const size_t node = found->second;
  Before& before = before_[node];
  const Succession order =
      before.seen ? succession(before.life, before.last_us, source->life, ts_us) : Succession::unknown;
  const ScaledValues values = read_values(row, 2, columns_);
  for (size_t i = 0; i < metrics_.size(); ++i) {
    if (!metrics_[i].place) continue;
    const size_t place = *metrics_[i].place;
    if (!values.has(place)) {
      before.counters[i] = carry_on(place, before.counters[i], order);
    } else if (metrics_[i].is_counter()) {
      add_count(node, i, ts_us, values.at(place), source->life, order, ts_us >= from_us);
    } else if (ts_us >= from_us) {
      if (Status status = add_value(node, i, ts_us, in_unit(place, values.at(place))); !status) return status;
    }
  }
  if (order == Succession::leftover) return {};
  before.last_us = before.seen ? std::max(before.last_us, ts_us) : ts_us;
  before.life = source->life;
  before.seen = true;
  return {};
}

void MetricReader::add_count(size_t node, size_t metric, int64_t ts_us, int64_t value, const Life& life,
                             Succession order, bool wanted) {
  Before& before = before_[node];
  const size_t place = *metrics_[metric].place;
  const CounterStep step = count_on(place, before.counters[metric], value, life, order);
  before.counters[metric] = step.last;
  if (!wanted) return;
  const bool covers = before.seen && order != Succession::leftover;
  const double covered_s = covers ? static_cast<double>(std::max<int64_t>(0, ts_us - before.last_us)) / 1e6 : 0;
  cell(node, metric, ts_us).add_counter(in_unit(place, value), in_unit(place, step.increase), covered_s, true);
}

// They are there only of readings that are gone.
Status MetricReader::read_hours_of_others(const AskedMetric& metric, size_t index, int64_t raw_from_us) {
  if (steps_.since_us >= raw_from_us) return {};
  auto statement = connection_.prepare(
      "SELECT ts_us, node_id, value_min, value_mean, value_max, readings FROM other_hour_raw "
      "WHERE ts_us >= ? AND ts_us < ? AND metric_id = ?");
  if (!statement) return fail(statement.error());
  return statement->each(
      [&](const sqlite::Statement& row) -> Status {
        const auto node = place_of_node_.find(row.integer(1));
        if (node == place_of_node_.end()) return {};
        cell(node->second, index, row.integer(0)).add_gauge(row.real(2), row.real(3), row.real(4), row.real(5));
        return {};
      },
      steps_.since_us, steps_.end_us(), metric.other_id);
}

Status MetricReader::read_others(const AskedMetric& metric, size_t index) {
  auto statement = connection_.prepare(
      "SELECT ts_us, node_id, value FROM other_raw WHERE ts_us >= ? AND ts_us < ? AND metric_id = ? ORDER BY ts_us");
  if (!statement) return fail(statement.error());
  return statement->each(
      [&](const sqlite::Statement& row) -> Status {
        const auto node = place_of_node_.find(row.integer(1));
        if (node == place_of_node_.end()) return {};
        return add_value(node->second, index, row.integer(0), row.real(2));
      },
      steps_.since_us, steps_.end_us(), metric.other_id);
}

MetricAnswer MetricReader::answer() const {
  MetricAnswer answer{std::string(to_string(tier_)), steps_.since_us / 1000, steps_.step_us / 1000, steps_.count, {}};
  for (size_t node = 0; node < nodes_.size(); ++node) {
    for (size_t metric = 0; metric < metrics_.size(); ++metric) {
      const AskedMetric& asked = metrics_[metric];
      auto& series = answer.series.emplace_back(MetricSeries{nodes_[node].first, asked.name, asked.aggregate, {}, {}});
      for (const StepCell& step : series_[node * metrics_.size() + metric]) {
        series.points.push_back(step.result(asked.aggregate));
      }
    }
  }
  return answer;
}

}  // namespace bramble::aggregator
