// The power of nodes, and what was done about it, for people.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "aggregator/cli/table.hpp"

namespace bramble::cli {

bool is_power_status(const nlohmann::json& status);       // an object with nodes
Table power_table(const nlohmann::json& status);          // one row a node
std::string power_remarks(const nlohmann::json& status);  // what concerns no single node, whole lines

// One line a node: what becomes of a request.
std::string switched_text(const nlohmann::json& nodes);

Table audit_table(const nlohmann::json& rows);

}  // namespace bramble::cli
