// Which of the aggregator's nodes a person means.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "aggregator/cli/api.hpp"

namespace bramble::cli {

Result<nlohmann::json> all_nodes(Api& api);  // an array of node objects

// Those of `nodes` that the node set names, in their order; empty and "all": all. A name that no node has is an error.
Result<nlohmann::json> choose_nodes(const nlohmann::json& nodes, const std::string& set);

}  // namespace bramble::cli
