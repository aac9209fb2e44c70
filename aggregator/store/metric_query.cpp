#include "aggregator/store/metric_query.hpp"

#include <algorithm>
#include <utility>

#include "aggregator/store/metric_reader.hpp"
#include "aggregator/store/question.hpp"
#include "aggregator/store/stored_nodes.hpp"
#include "common/base/nearest.hpp"

namespace bramble::aggregator {
namespace {

using OtherIds = std::map<std::string, int64_t>;

Result<OtherIds> read_others(sqlite::Connection& connection) {
  OtherIds ids;
  auto statement = connection.prepare("SELECT metric, metric_id FROM other_metrics");
  if (!statement) return fail(statement.error());
  Status status = statement->each([&](const sqlite::Statement& row) -> Status {
    ids[row.string(0)] = row.integer(1);
    return {};
  });
  if (!status) return fail(status.error());
  return ids;
}

constexpr const char* kWhatMetrics = " (they are the columns of telemetry: bramble query --tables lists them)";

std::vector<std::string> known_metrics(const OtherIds& others) {
  std::vector<std::string> names;
  for (const auto& column : kTelemetryColumns) names.emplace_back(column.metric);
  for (const auto& [name, id] : others) names.push_back(name);
  return names;
}

// What can be asked of a counter and what of a gauge.
Result<Aggregate> aggregate_for(const AskedMetric& metric, Aggregate asked) {
  if (asked == Aggregate::natural) return metric.is_counter() ? Aggregate::rate : Aggregate::mean;
  if (metric.is_counter() && asked != Aggregate::rate && asked != Aggregate::increase && asked != Aggregate::last) {
    return fail(metric.name +
                " counts up, so it has a rate, an increase and a last value: ask with --agg rate, increase or last");
  }
  if (!metric.is_counter() && (asked == Aggregate::rate || asked == Aggregate::increase)) {
    return fail(metric.name +
                " is no counter, so it has neither rate nor increase: ask with --agg mean, min, max, p95 or last");
  }
  return asked;
}

Result<std::vector<AskedMetric>> find_metrics(sqlite::Connection& connection, const MetricQuestion& question) {
  const auto others = read_others(connection);
  if (!others) return fail(others.error());
  std::vector<AskedMetric> metrics;
  for (const auto& name : question.metrics) {
    AskedMetric metric{name, column_of(name), 0, Aggregate::mean};
    const auto other = others->find(name);
    if (!metric.place && other == others->end()) {
      return fail(unknown("metric", name, known_metrics(*others)) + kWhatMetrics);
    }
    if (!metric.place) metric.other_id = other->second;
    const auto aggregate = aggregate_for(metric, question.aggregate);
    if (!aggregate) return fail(aggregate.error());
    metric.aggregate = *aggregate;
    metrics.push_back(std::move(metric));
  }
  return metrics;
}

bool needs_readings(const std::vector<AskedMetric>& metrics) {
  return std::any_of(metrics.begin(), metrics.end(), [](const AskedMetric& metric) {
    return metric.aggregate == Aggregate::p95 || (metric.aggregate == Aggregate::last && !metric.is_counter());
  });
}

// Watts and joules say whether they are measured: two counters more are read with them.
constexpr std::string_view kSourceCounters[] = {"energy_j", "energy_measured_j"};

bool has_source(const std::string& metric) { return metric == "power_w" || metric == "energy_j"; }

bool add_source_counters(std::vector<AskedMetric>& metrics) {
  if (std::none_of(metrics.begin(), metrics.end(), [](const auto& metric) { return has_source(metric.name); })) {
    return false;
  }
  for (const auto name : kSourceCounters) {
    metrics.push_back({std::string(name), column_of(name), 0, Aggregate::increase});
  }
  return true;
}

double sum_of(const MetricSeries& series) {
  double sum = 0;
  for (const auto& point : series.points) sum += point.value_or(0);
  return sum;
}

// The two counters end each node's series: they become the measured share of the series before them.
void settle_sources(MetricAnswer& answer, size_t asked) {
  std::vector<MetricSeries> all = std::exchange(answer.series, {});
  for (size_t at = 0; at < all.size(); at += asked + std::size(kSourceCounters)) {
    const double all_j = sum_of(all[at + asked]);
    const double measured_j = sum_of(all[at + asked + 1]);
    for (size_t i = at; i < at + asked; ++i) {
      if (has_source(all[i].metric) && all_j > 0) all[i].measured_ratio = std::min(1.0, measured_j / all_j);
      answer.series.push_back(std::move(all[i]));
    }
  }
}

Result<MetricAnswer> ask(sqlite::Connection& connection, const MetricQuestion& question, size_t max_kept_values) {
  auto nodes = find_nodes(connection, question.nodes);
  if (!nodes) return fail(nodes.error());
  auto metrics = find_metrics(connection, question);
  if (!metrics) return fail(metrics.error());
  const Steps steps = whole_steps(question.since_ms * 1000, question.until_ms * 1000, question.step_ms * 1000);
  const size_t points = steps.count * std::max<size_t>(1, nodes->size() * metrics->size());
  if (points > kMaxSeriesPoints) {
    return fail("the answer would have " + std::to_string(points) + " points, at most " +
                std::to_string(kMaxSeriesPoints) + " are given: ask for a longer step, a shorter time, or fewer nodes");
  }
  const auto bounds = read_bounds(connection);
  if (!bounds) return fail(bounds.error());
  const auto tier = choose_tier(steps.since_us, steps.step_us, needs_readings(*metrics), *bounds);
  if (!tier) return fail(tier.error());
  const size_t asked = metrics->size();
  const bool with_source = add_source_counters(*metrics);
  MetricReader reader(connection, std::move(*nodes), std::move(*metrics), steps, max_kept_values);
  if (Status status = reader.read(*tier, *bounds); !status) return fail(status.error());
  MetricAnswer answer = reader.answer();
  if (with_source) settle_sources(answer, asked);
  return answer;
}

}  // namespace

SqliteTelemetryQuery::SqliteTelemetryQuery(std::string telemetry_path, std::string jobs_path,
                                           std::function<void()> flush_telemetry, size_t max_kept_values)
    : telemetry_path_(std::move(telemetry_path)),
      jobs_path_(std::move(jobs_path)),
      flush_telemetry_(std::move(flush_telemetry)),
      max_kept_values_(max_kept_values) {}

Result<MetricAnswer> SqliteTelemetryQuery::metrics(const MetricQuestion& question) {
  flush_telemetry_();
  auto begun = Question::begin(telemetry_path_, "", question.time_limit_ms, question.cancelled);
  if (!begun) return fail(begun.error());
  // One state of the database for all that is read.
  if (Status status = (*begun)->connection().execute("BEGIN"); !status) return fail(status.error());
  auto answer = ask((*begun)->connection(), question, max_kept_values_);
  if (!answer) return fail((*begun)->explain(answer.error()));
  return answer;
}

}  // namespace bramble::aggregator
