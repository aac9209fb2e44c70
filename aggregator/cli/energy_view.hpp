// The answer to a question about energy (GET /api/v1/energy) for people. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "aggregator/cli/table.hpp"

namespace bramble::cli {

bool is_energy_answer(const nlohmann::json& answer);

// price: of a kilowatt-hour, in whatever money; nothing: no costs. Adds "price" and "cost" to the answer's parts.
void add_costs(nlohmann::json& answer, double price);

// Its rows, and what is needed for them to add up to all that the nodes used.
Table energy_table(const nlohmann::json& answer, std::optional<double> price, const std::string& by);
// The same with a column that says what a row is: `by`, other_jobs, running, unattributed or total (all others
// together).
std::string energy_csv(const nlohmann::json& answer, std::optional<double> price, const std::string& by);

}  // namespace bramble::cli
