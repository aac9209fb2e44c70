#include "aggregator/http/telemetry_requests.hpp"

#include <nlohmann/json.hpp>

#include "aggregator/http/requests.hpp"
#include "common/base/duration.hpp"
#include "common/base/nearest.hpp"
#include "common/base/node_set.hpp"

namespace bramble::aggregator::http {
namespace {

using OutJson = nlohmann::ordered_json;

constexpr uint64_t kMaxTimeMs = uint64_t{1} << 52;

struct AggregateName {
  const char* name;
  Aggregate aggregate;
};
constexpr AggregateName kAggregates[] = {
    {"mean", Aggregate::mean}, {"min", Aggregate::min},   {"max", Aggregate::max},          {"p95", Aggregate::p95},
    {"last", Aggregate::last}, {"rate", Aggregate::rate}, {"increase", Aggregate::increase}};

struct ByName {
  const char* name;
  EnergyQuestion::By by;
};
constexpr ByName kBys[] = {{"node", EnergyQuestion::By::node},
                           {"job", EnergyQuestion::By::job},
                           {"owner", EnergyQuestion::By::owner},
                           {"cluster", EnergyQuestion::By::cluster}};

template <typename Names>
auto find_name(const Names& names, const std::string& what, const std::string& word)
    -> Result<std::remove_cvref_t<decltype(names[0])>> {
  std::vector<std::string> known;
  for (const auto& entry : names) {
    if (word == entry.name) return entry;
    known.emplace_back(entry.name);
  }
  std::string list;
  for (const auto& name : known) list += (list.empty() ? "" : ", ") + name;
  return fail(unknown(what, word, known) + " (one of " + list + ")");
}

Result<std::vector<std::string>> parse_nodes(const std::string& text) {
  const auto nodes = parse_nodes_param(text);
  if (!nodes) return tl::unexpected(nodes.error());
  return nodes->all ? std::vector<std::string>() : nodes->names;
}

Result<std::vector<std::string>> parse_metrics(const std::string& text) {
  std::vector<std::string> metrics;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    if (comma > at) metrics.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  if (metrics.empty()) return fail("the parameter metric is missing: name one, as in power_w, or a list with commas");
  if (metrics.size() > kMaxAskedMetrics) {
    return fail("these are " + std::to_string(metrics.size()) + " metrics: ask for at most " +
                std::to_string(kMaxAskedMetrics) + " at once");
  }
  return metrics;
}

// since_ms and until_ms, by default the last `span_ms`.
struct Span {
  int64_t since_ms = 0;
  int64_t until_ms = 0;
};
Result<Span> take_span(Params& params, WallTime now, int64_t span_ms) {
  Span span;
  span.until_ms = static_cast<int64_t>(params.number("until_ms", static_cast<uint64_t>(now.ms), 0, kMaxTimeMs));
  const int64_t since_ms = std::max<int64_t>(0, span.until_ms - span_ms);
  span.since_ms = static_cast<int64_t>(params.number("since_ms", static_cast<uint64_t>(since_ms), 0, kMaxTimeMs));
  if (!params.status()) return tl::unexpected(params.status().error());
  if (span.since_ms >= span.until_ms) return fail("since_ms must be before until_ms");
  if (static_cast<uint64_t>(span.until_ms - span.since_ms) > kMaxAskedSpanMs)
    return fail("that is longer than 40 years");
  return span;
}

OutJson span_json(int64_t since_ms, int64_t until_ms) { return {{"since_ms", since_ms}, {"until_ms", until_ms}}; }

OutJson energy_json(const EnergyRow& row) {
  return {{"energy_j", row.energy_j}, {"measured_j", row.measured_j}, {"modelled_j", row.energy_j - row.measured_j}};
}

}  // namespace

Result<MetricQuestion> parse_metric_question(const RequestParams& given, WallTime now) {
  Params params(given, {"metric", "nodes", "since_ms", "until_ms", "step_ms", "agg", "time_limit_ms", "query_id"});
  if (!params.status()) return tl::unexpected(params.status().error());
  MetricQuestion question;
  auto metrics = parse_metrics(params.text("metric"));
  if (!metrics) return tl::unexpected(metrics.error());
  question.metrics = std::move(*metrics);
  auto nodes = parse_nodes(params.text("nodes"));
  if (!nodes) return tl::unexpected(nodes.error());
  question.nodes = std::move(*nodes);
  question.step_ms = static_cast<int64_t>(params.number("step_ms", 60'000, 100, kMaxAskedSpanMs));
  question.time_limit_ms = static_cast<int64_t>(params.number("time_limit_ms", 10'000, 1, kMaxSqlMs));
  const auto span = take_span(params, now, 3'600'000);
  if (!span) return tl::unexpected(span.error());
  question.since_ms = span->since_ms;
  question.until_ms = span->until_ms;
  if (const std::string word = params.text("agg"); !word.empty()) {
    const auto aggregate = find_name(kAggregates, "agg", word);
    if (!aggregate) return tl::unexpected(aggregate.error());
    question.aggregate = aggregate->aggregate;
  }
  return question;
}

Result<EnergyRequest> parse_energy_question(const RequestParams& given, WallTime now) {
  Params params(given, {"by", "nodes", "jobs", "since_ms", "until_ms", "time_limit_ms", "query_id"});
  if (!params.status()) return tl::unexpected(params.status().error());
  EnergyRequest request;
  const std::string jobs = params.text("jobs");
  const std::string by = params.text("by");
  const auto chosen = find_name(kBys, "by", !by.empty() ? by : jobs.empty() ? "node" : "job");
  if (!chosen) return tl::unexpected(chosen.error());
  request.question.by = chosen->by;
  const bool of_jobs = chosen->by == EnergyQuestion::By::job || chosen->by == EnergyQuestion::By::owner;
  if (!jobs.empty() && !of_jobs) return fail("jobs go with by=job or by=owner");
  auto nodes = parse_nodes(params.text("nodes"));
  if (!nodes) return tl::unexpected(nodes.error());
  request.question.nodes = std::move(*nodes);
  request.question.time_limit_ms = static_cast<int64_t>(params.number("time_limit_ms", 10'000, 1, kMaxSqlMs));
  const auto span = take_span(params, now, kDayMs);
  if (!span) return tl::unexpected(span.error());
  request.question.since_ms = span->since_ms;
  request.question.until_ms = span->until_ms;
  if (!jobs.empty()) {
    auto selector = parse_job_selector(jobs);
    if (!selector) return tl::unexpected(selector.error());
    request.jobs = std::move(*selector);
  }
  return request;
}

std::string render_metrics(const MetricAnswer& answer) {
  OutJson list = OutJson::array();
  for (const auto& series : answer.series) {
    OutJson points = OutJson::array();
    for (const auto& point : series.points) points.push_back(point ? OutJson(*point) : OutJson(nullptr));
    const auto name = std::find_if(std::begin(kAggregates), std::end(kAggregates),
                                   [&](const auto& entry) { return entry.aggregate == series.aggregate; });
    OutJson& entry = list.emplace_back(OutJson{
        {"node", series.node}, {"metric", series.metric}, {"agg", name == std::end(kAggregates) ? "" : name->name}});
    if (series.measured_ratio) entry["measured_ratio"] = *series.measured_ratio;
    entry["points"] = std::move(points);
  }
  return OutJson{{"tier", answer.tier},
                 {"since_ms", answer.since_ms},
                 {"step_ms", answer.step_ms},
                 {"steps", answer.steps},
                 {"series", std::move(list)}}
      .dump();
}

std::string render_energy(const EnergyAnswer& answer) {
  OutJson rows = OutJson::array();
  for (const auto& row : answer.rows) {
    OutJson json = {{"name", row.name}};
    if (!row.owner.empty()) json["owner"] = row.owner;
    json.update(energy_json(row));
    rows.push_back(std::move(json));
  }
  OutJson json = span_json(answer.since_ms, answer.until_ms);
  json["tier"] = answer.by_hours ? "hour" : "minute";
  json["rows"] = std::move(rows);
  json["nodes"] = energy_json(answer.nodes);
  json["attempts"] = energy_json(answer.attempts);
  json["unattributed_j"] = answer.unattributed_j;
  json["told_unattributed_j"] = answer.told_unattributed_j;
  return json.dump();
}

}  // namespace bramble::aggregator::http
