// Questions: SQL, metrics, energy; they run on the pool of two workers that SQL has, and can be cancelled.
#include <nlohmann/json.hpp>
#include <sstream>

#include "aggregator/http/render.hpp"
#include "aggregator/http/selection.hpp"
#include "aggregator/http/service.hpp"
#include "aggregator/http/telemetry_requests.hpp"
#include "common/base/ids.hpp"
#include "common/posix/system_clock.hpp"

namespace bramble::aggregator::http {
namespace {

constexpr size_t kMaxTableBytes = 64 << 20;
constexpr size_t kMaxEnergyJobs = 10'000;

// It was rightly asked, and took too long, was cancelled, or has too large an answer. No status that clients repeat.
constexpr int kNotAnswered = 422;

HttpReply failed_question(const Error& error) {
  return error.code == ErrorCode::limit ? error_reply(kNotAnswered, error.message) : error_reply(error);
}

Result<std::string> query_id_of(const HttpRequest& request) {
  for (const auto& [name, value] : request.params) {
    if (name != "query_id") continue;
    if (!is_uuid(value)) return fail("query_id must be a UUID in lower case");
    return value;
  }
  return std::string();
}

// Over before it is answered: who has the answer and cancels is told that there is nothing left to cancel.
template <typename Ask>
auto while_running(RunningQueries& running, const std::string& query_id, const Ask& ask) {
  const RunningQueries::Entry entry(running, query_id);
  return ask(entry.flag());
}

}  // namespace

void Service::run_sql(const Route&, HttpRequest& request, const Answer& answer) {
  const auto question = parse_sql(request.body);
  if (!question) return answer(error_reply(question.error()));
  const auto table = while_running(running_queries_, question->query_id, [&](const CancelFlag& cancelled) {
    return backend_.sql.sql(question->sql, question->max_rows, question->time_limit_ms, cancelled);
  });
  answer(table ? json_reply(render_table(*table, kMaxTableBytes)) : failed_question(table.error()));
}

void Service::list_tables(const Route&, HttpRequest& request, const Answer& answer) {
  const Params params(request.params, {});
  if (!params.status()) return answer(error_reply(params.status().error()));
  const auto tables = backend_.sql.tables();
  if (!tables) return answer(error_reply(tables.error()));
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& row : tables->rows) {
    nlohmann::ordered_json columns = nlohmann::ordered_json::array();
    std::istringstream names(row[1].text);
    for (std::string name; names >> name;) columns.push_back(name);
    list.push_back({{"table", row[0].text}, {"columns", std::move(columns)}});
  }
  answer(json_reply(list.dump()));
}

void Service::cancel_query(const Route&, HttpRequest& request, const Answer& answer) {
  const auto id = parse_query_id(request.body);
  if (!id) return answer(error_reply(id.error()));
  answer(json_reply(nlohmann::json{{"cancelled", running_queries_.cancel(*id)}}.dump()));
}

void Service::ask_metrics(const Route&, HttpRequest& request, const Answer& answer) {
  auto question = parse_metric_question(request.params, posix::wall_now());
  if (!question) return answer(error_reply(question.error()));
  const auto id = query_id_of(request);
  if (!id) return answer(error_reply(id.error()));
  const auto reply = while_running(running_queries_, *id, [&](const CancelFlag& cancelled) {
    question->cancelled = cancelled;
    return backend_.telemetry.metrics(*question);
  });
  answer(reply ? json_reply(render_metrics(*reply)) : failed_question(reply.error()));
}

void Service::ask_energy(const Route&, HttpRequest& request, const Answer& answer) {
  auto asked = parse_energy_question(request.params, posix::wall_now());
  if (!asked) return answer(error_reply(asked.error()));
  const auto id = query_id_of(request);
  if (!id) return answer(error_reply(id.error()));
  if (asked->jobs) {
    const auto jobs = select_jobs(backend_.jobs, *asked->jobs, {"", {}, kMaxEnergyJobs}, request.caller);
    if (!jobs) return answer(error_reply(jobs.error()));
    for (const JobRow& job : *jobs) asked->question.jobs.emplace_back(job.record.id, job.record.id);
    if (asked->question.jobs.empty()) asked->question.jobs.emplace_back(0, 0);  // none, and not all
  }
  const auto reply = while_running(running_queries_, *id, [&](const CancelFlag& cancelled) {
    asked->question.cancelled = cancelled;
    return backend_.telemetry.energy(asked->question);
  });
  answer(reply ? json_reply(render_energy(*reply)) : failed_question(reply.error()));
}

}  // namespace bramble::aggregator::http
