// The answer to a question about metrics (GET /api/v1/telemetry) as people and programs want it. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "aggregator/cli/plot.hpp"
#include "aggregator/cli/table.hpp"

namespace bramble::cli {

bool is_series_answer(const nlohmann::json& answer);

// The time that the steps cover, and for each metric how its steps were made, its unit, and whether watts and joules
// are measured or modelled. No line is wider.
std::string series_heading(const nlohmann::json& answer, size_t width);
// A row for each step in which something was told, with a column for each series; as many tables as it takes for each
// to be no wider.
std::vector<Table> series_tables(const nlohmann::json& answer, size_t width);
std::string series_csv(const nlohmann::json& answer);          // time,time_ms,node,metric,agg,value
std::vector<Plot> series_plots(const nlohmann::json& answer);  // one for each metric

// "W" for power_w; of a rate "W" for energy_j, "B/s" for net_receive_bytes.
std::string unit_of(const std::string& metric, const std::string& aggregate);

}  // namespace bramble::cli
