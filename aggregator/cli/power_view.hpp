// The power of nodes, and what was done about it, for people.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace bramble::cli {

bool is_power_status(const nlohmann::json& status);  // an object with nodes
// One row a node. What there is to say of it stands in the row if that fits the width, else below it.
std::string power_text(const nlohmann::json& status, size_t width);
std::string power_remarks(const nlohmann::json& status);  // what concerns no single node, whole lines

std::string waiting(const nlohmann::json& node);  // "waiting: 2 tasks to end"; empty: for nothing

// One line a node: what becomes of a request.
std::string switched_text(const nlohmann::json& nodes);

// One row an entry; where there is no room for all, why and what failed stand below the row.
std::string audit_text(const nlohmann::json& rows, size_t width);

}  // namespace bramble::cli
