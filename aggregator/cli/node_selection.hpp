// Which of the aggregator's nodes a person means.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "aggregator/cli/api.hpp"
#include "common/base/node_set.hpp"

namespace bramble::cli {

Result<nlohmann::json> all_nodes(Api& api);  // an array of node objects

// Those of `nodes` that the node set names, in their order; empty and "all": all. A name that no node has is an error.
Result<nlohmann::json> choose_nodes(const nlohmann::json& nodes, const std::string& set);

Result<NodeSet> parse_wanted_nodes(const std::string& set);  // without groups: there are none yet

// The names that none of `nodes` has, and a sentence about all of them; empty where there are none.
std::vector<std::string> unknown_names(const nlohmann::json& nodes, const NodeSet& wanted);
std::string unknown_nodes(const nlohmann::json& nodes, const NodeSet& wanted);

// The API names the first that it does not know: the same error with all of the set.
Error naming_unknown(Api& api, const std::string& set, Error error);

}  // namespace bramble::cli
