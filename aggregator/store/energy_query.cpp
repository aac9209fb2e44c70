// Joules of nodes from their counters, and of jobs from what nodes charged their attempts with.
#include <algorithm>

#include "aggregator/store/energy_shares.hpp"
#include "aggregator/store/metric_query.hpp"
#include "aggregator/store/metric_reader.hpp"
#include "aggregator/store/question.hpp"
#include "aggregator/store/stored_nodes.hpp"

namespace bramble::aggregator {
namespace {

constexpr int64_t kUsPerMs = 1000;
constexpr std::string_view kCounters[] = {"energy_j", "energy_measured_j", "energy_unattributed_j"};

using NodeIds = std::map<std::string, int64_t>;

// One step as long as the whole time, of minutes or, where they are gone, of hours.
Steps span_of(const EnergyQuestion& question, bool by_hours) {
  const int64_t unit_us = by_hours ? kHourUs : kMinuteUs;
  const Steps whole = whole_steps(question.since_ms * kUsPerMs, question.until_ms * kUsPerMs, unit_us);
  return {whole.since_us, whole.end_us() - whole.since_us, whole.count > 0 ? size_t{1} : size_t{0}};
}

Status read_nodes(sqlite::Connection& connection, const NodeIds& nodes, const Steps& span, const TierBounds& bounds,
                  EnergyAnswer& answer, std::vector<EnergyRow>& rows) {
  std::vector<AskedMetric> metrics;
  for (const auto name : kCounters) metrics.push_back({std::string(name), column_of(name), 0, Aggregate::increase});
  MetricReader reader(connection, nodes, std::move(metrics), span, 0);  // counters keep no values
  if (Status status = reader.read(answer.by_hours ? Tier::hour : Tier::minute, bounds); !status) return status;
  const MetricAnswer increases = reader.answer();
  const auto joules = [&](size_t series) {
    const auto& points = increases.series[series].points;
    return points.empty() ? 0 : points.front().value_or(0);
  };
  for (size_t i = 0; i < increases.series.size(); i += std::size(kCounters)) {
    rows.push_back({increases.series[i].node, "", joules(i), std::min(joules(i), joules(i + 1))});
    answer.nodes.energy_j += rows.back().energy_j;
    answer.nodes.measured_j += rows.back().measured_j;
    answer.told_unattributed_j += joules(i + 2);
  }
  return {};
}

bool is_wanted(const EnergyQuestion& question, JobId job) {
  if (question.jobs.empty()) return true;
  return std::any_of(question.jobs.begin(), question.jobs.end(),
                     [&](const auto& range) { return job >= range.first && job <= range.second; });
}

// Attempts that have not ended have no energy yet: until then it is part of what is unattributed.
Status read_attempts(sqlite::Connection& connection, const NodeIds& nodes, const EnergyQuestion& question,
                     EnergyShares& shares) {
  auto statement = connection.prepare(
      "SELECT a.job, j.owner, a.node, a.started_ms, a.ended_ms, a.duration_ms, a.energy_mj, a.energy_measured_mj "
      "FROM jobs.attempts_raw a JOIN jobs.jobs_raw j USING (job) "
      "WHERE a.energy_mj > 0 AND a.ended_ms >= ?1 AND coalesce(a.started_ms, a.ended_ms - a.duration_ms, 0) < ?2");
  if (!statement) return fail(statement.error());
  return statement->each(
      [&](const sqlite::Statement& row) -> Status {
        if (!nodes.contains(row.string(2))) return {};
        const AttemptEnergy attempt{row.natural(0), row.string(1), row.integer(3), row.integer(4),
                                    row.integer(5), row.real(6),   row.real(7)};
        shares.add(attempt, is_wanted(question, attempt.job));
        return {};
      },
      question.since_ms, question.until_ms);
}

// By the hour in which they ended, spread from the begin of the first to the end of the last of them.
Status read_forgotten(sqlite::Connection& connection, const NodeIds& nodes, const EnergyQuestion& question,
                      EnergyShares& shares) {
  auto statement = connection.prepare(
      "SELECT owner, node, begin_ms, end_ms, energy_mj, energy_measured_mj FROM jobs.forgotten_energy_raw "
      "WHERE end_ms >= ?1 AND begin_ms < ?2");
  if (!statement) return fail(statement.error());
  const bool wanted = question.by != EnergyQuestion::By::job && question.jobs.empty();
  return statement->each(
      [&](const sqlite::Statement& row) -> Status {
        if (!nodes.contains(row.string(1))) return {};
        const int64_t begin_ms = row.integer(2), end_ms = row.integer(3);
        shares.add({0, row.string(0), begin_ms, end_ms, end_ms - begin_ms, row.real(4), row.real(5)}, wanted);
        return {};
      },
      question.since_ms, question.until_ms);
}

Result<EnergyAnswer> ask(sqlite::Connection& connection, EnergyQuestion question) {
  using By = EnergyQuestion::By;
  const auto nodes = find_nodes(connection, question.nodes);
  if (!nodes) return fail(nodes.error());
  const auto bounds = read_bounds(connection);
  if (!bounds) return fail(bounds.error());
  EnergyAnswer answer;
  answer.by_hours = question.since_ms * kUsPerMs < bounds->minute_from_us;
  const Steps span = span_of(question, answer.by_hours);
  answer.since_ms = question.since_ms = span.since_us / kUsPerMs;
  answer.until_ms = question.until_ms = span.end_us() / kUsPerMs;
  std::vector<EnergyRow> rows;
  if (Status status = read_nodes(connection, *nodes, span, *bounds, answer, rows); !status) {
    return fail(status.error());
  }
  EnergyShares shares(question.by, question.since_ms, question.until_ms);
  if (Status status = read_attempts(connection, *nodes, question, shares); !status) return fail(status.error());
  if (Status status = read_forgotten(connection, *nodes, question, shares); !status) return fail(status.error());
  answer.attempts = shares.total();
  answer.unattributed_j = answer.nodes.energy_j - answer.attempts.energy_j;
  answer.rows = question.by == By::node ? std::move(rows) : shares.rows();
  if (question.by == By::cluster) answer.rows = {{"cluster", "", answer.nodes.energy_j, answer.nodes.measured_j}};
  return answer;
}

}  // namespace

Result<EnergyAnswer> SqliteTelemetryQuery::energy(const EnergyQuestion& question) {
  flush_telemetry_();
  auto begun = Question::begin(telemetry_path_, jobs_path_, question.time_limit_ms, question.cancelled);
  if (!begun) return fail(begun.error());
  if (Status status = (*begun)->connection().execute("BEGIN"); !status) return fail(status.error());
  auto answer = ask((*begun)->connection(), question);
  if (!answer) return fail((*begun)->explain(answer.error()));
  return answer;
}

}  // namespace bramble::aggregator
