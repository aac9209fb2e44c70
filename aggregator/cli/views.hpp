// The API's objects as tables for people.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "aggregator/cli/table.hpp"

namespace bramble::cli {

Table job_table(const nlohmann::json& jobs, size_t width);  // with what columns depends on how wide it may be
Table try_table(const nlohmann::json& tasks);               // a row for each try of each task
Table node_table(const nlohmann::json& nodes);
Table query_table(const nlohmann::json& result);  // {"columns", "rows"}

// "its client last spoke 12m ago" of an open job, where that is worth a word: its client may be gone. Else empty.
std::string client_silence(const nlohmann::json& job);
std::string job_details(const nlohmann::json& job);                           // lines "name  value", without its tries
std::string explanation_text(const nlohmann::json& explained, size_t width);  // of a job or a task: its reasons
std::string tables_text(const nlohmann::json& tables, size_t width);  // what can be asked in SQL; wrapped in any case
std::string node_details(const nlohmann::json& node);                 // likewise
std::vector<std::string> hold_ups_in(const nlohmann::json& health);   // sentences, for what holds up everybody's work
std::vector<std::string> troubles_in(const nlohmann::json& health);   // those, and what else should be told
bool has_no_room(const nlohmann::json& health);      // the head can keep no inputs and outputs, or its database nothing
std::string csv_line(const nlohmann::json& values);  // of an array
std::string query_csv(const nlohmann::json& result);  // RFC 4180, with a line of titles; lines end with '\n'

}  // namespace bramble::cli
