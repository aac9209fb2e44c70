#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/exit_status.hpp"
#include "aggregator/cli/question.hpp"
#include "aggregator/cli/series.hpp"
#include "aggregator/cli/text.hpp"
#include "aggregator/cli/views.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

// Are there rows, each with as many values as there are columns?
bool is_result(const json& result) {
  if (!result.is_object() || !result.value("columns", json()).is_array()) return false;
  for (const json& column : result["columns"]) {
    if (!column.is_string()) return false;
  }
  const json rows = result.value("rows", json());
  if (!rows.is_array()) return false;
  for (const json& row : rows) {
    if (!row.is_array() || row.size() != result["columns"].size()) return false;
  }
  return true;
}

// An array of objects, as every other listing, in the order that was asked for. Of two columns with one name the second
// is "name_2".
nlohmann::ordered_json as_objects(const json& result) {
  auto objects = nlohmann::ordered_json::array();
  for (const json& row : result["rows"]) {
    auto object = nlohmann::ordered_json::object();
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string column = result["columns"][i].get<std::string>();
      std::string name = column;
      for (int number = 2; object.contains(name); ++number) name = fmt::format("{}_{}", column, number);
      object[name] = row[i];
    }
    objects.push_back(std::move(object));
  }
  return objects;
}

std::string rendered(const Session& session, const QueryCommand& command, const json& result) {
  if (session.common.json || command.format == "json") return as_objects(result).dump() + "\n";
  if (command.format == "csv") return query_csv(result);
  return query_table(result).render(session.console.columns());
}

std::string rendered_series(const Session& session, const QueryCommand& command, const json& answer) {
  if (session.common.json || command.format == "json") return answer.dump() + "\n";
  if (command.format == "csv") return series_csv(answer);
  const size_t columns = session.console.columns();
  std::string text;
  if (command.format == "table") {
    text = series_heading(answer, columns);
    for (const Table& table : series_tables(answer, columns)) text += "\n" + table.render(columns);
    return text;
  }
  for (const Plot& plot : series_plots(answer)) {
    text += (text.empty() ? "" : "\n") + draw(plot, columns == kAnyWidth ? kMinColumns : columns);
  }
  return text;
}

std::string telemetry_path(const QueryCommand& command, const std::string& query_id) {
  std::string path = "/api/v1/telemetry?metric=" + url_encoded(command.metric) +
                     "&nodes=" + url_encoded(command.nodes) + "&since_ms=" + std::to_string(command.since_ms) +
                     "&until_ms=" + std::to_string(command.until_ms) + "&step_ms=" + std::to_string(command.step_ms) +
                     "&time_limit_ms=" + std::to_string(command.time_limit_ms) + "&query_id=" + query_id;
  return command.aggregate.empty() ? path : path + "&agg=" + url_encoded(command.aggregate);
}

Result<int> query_metric(const Session& session, const QueryCommand& command) {
  const auto asked = ask_question(session, [&](Api& api, const std::string& query_id) {
    return api.get(telemetry_path(command, query_id), command.time_limit_ms / 1000);
  });
  if (asked.signal != 0) return kSignalBase + asked.signal;
  if (!asked.answer) return tl::unexpected(in_options(asked.answer.error()));
  if (!is_series_answer(*asked.answer)) {
    return fail(ErrorCode::corrupt, "the aggregator's answer to the question is not understood");
  }
  return printed(session, rendered_series(session, command, *asked.answer));
}

Result<int> list_tables(const Session& session) {
  Api api = session.connect();
  const auto result = api.get("/api/v1/query/tables");
  if (!result) return tl::unexpected(result.error());
  if (session.common.json) return printed(session, result->dump() + "\n");
  return printed(session, tables_text(*result, session.console.columns()));
}

Result<int> query_sql(const Session& session, const QueryCommand& command) {
  const auto asked = ask_question(session, [&](Api& api, const std::string& query_id) {
    return api.post("/api/v1/query", {{"sql", command.sql},
                                      {"max_rows", command.max_rows},
                                      {"time_limit_ms", command.time_limit_ms},
                                      {"query_id", query_id}});
  });
  if (asked.signal != 0) return kSignalBase + asked.signal;
  const auto& result = asked.answer;
  if (!result && result.error().code == ErrorCode::limit) return tl::unexpected(in_options(result.error()));
  if (!result) return tl::unexpected(result.error());
  if (!is_result(*result)) return fail(ErrorCode::corrupt, "the aggregator's answer to the query is not understood");
  if (auto shown = printed(session, rendered(session, command, *result)); !shown) return shown;
  if (flag_field(*result, "truncated")) {
    session.console.say("only the first " + count_text((*result)["rows"].size(), "row") +
                        " shown: raise --max-rows, or ask for less");
  }
  return kGood;
}

}  // namespace

Result<int> query(const Session& session, const QueryCommand& command) {
  if (command.tables) return list_tables(session);
  return command.metric.empty() ? query_sql(session, command) : query_metric(session, command);
}

}  // namespace bramble::cli
