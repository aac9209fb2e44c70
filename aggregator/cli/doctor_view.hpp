// What `bramble node doctor` prints.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace bramble::cli {

bool is_examination(const nlohmann::json& answer);

// Findings that are not good (or all), the worst first, each wrapped to `columns` (0: not wrapped); then which nodes
// have nothing amiss.
std::string doctor_text(const nlohmann::json& examination, bool all, size_t columns);

bool has_problem(const nlohmann::json& examination);

}  // namespace bramble::cli
