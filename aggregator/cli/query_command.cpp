#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/exit_status.hpp"
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

// An array of objects, as every other listing.
json as_objects(const json& result) {
  json objects = json::array();
  for (const json& row : result["rows"]) {
    json object = json::object();
    for (size_t i = 0; i < row.size(); ++i) object[result["columns"][i].get<std::string>()] = row[i];
    objects.push_back(std::move(object));
  }
  return objects;
}

std::string rendered(const Session& session, const QueryCommand& command, const json& result) {
  if (session.common.json || command.format == "json") return as_objects(result).dump() + "\n";
  if (command.format == "csv") return query_csv(result);
  return query_table(result).render(session.console.columns());
}

}  // namespace

Result<int> query(const Session& session, const QueryCommand& command) {
  Api api = session.connect();
  const auto result =
      api.post("/api/v1/query",
               {{"sql", command.sql}, {"max_rows", command.max_rows}, {"time_limit_ms", command.time_limit_ms}});
  if (!result) return tl::unexpected(result.error());
  if (!is_result(*result)) return fail(ErrorCode::corrupt, "the aggregator's answer to the query is not understood");
  if (auto status = session.console.print(rendered(session, command, *result)); !status) {
    return tl::unexpected(status.error());
  }
  if (flag_field(*result, "truncated")) {
    session.console.say(
        fmt::format("only the first {} rows are shown: raise --max-rows, or ask for less", (*result)["rows"].size()));
  }
  return kGood;
}

}  // namespace bramble::cli
