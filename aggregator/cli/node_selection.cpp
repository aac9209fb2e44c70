#include "aggregator/cli/node_selection.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "common/base/nearest.hpp"
#include "common/base/node_set.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

std::vector<std::string> names_of(const json& nodes) {
  std::vector<std::string> names;
  for (const json& node : nodes) names.push_back(text_field(node, "node"));
  return names;
}

}  // namespace

Result<json> all_nodes(Api& api) {
  auto nodes = api.get("/api/v1/nodes");
  if (nodes && !nodes->is_array()) return fail(ErrorCode::corrupt, "the aggregator's list of nodes is not understood");
  return nodes;
}

Result<json> choose_nodes(const json& nodes, const std::string& set) {
  if (set.empty()) return nodes;
  const auto wanted = parse_node_set(set);
  if (!wanted) return tl::unexpected(wanted.error());
  if (!wanted->groups.empty()) return fail("there are no groups of nodes yet: name the nodes, as in pi[01-04]");
  if (wanted->all) return nodes;
  const std::vector<std::string> known = names_of(nodes);
  for (const std::string& name : wanted->names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return fail(ErrorCode::not_found, unknown("node", name, known) + " (bramble node list shows all)");
  }
  json chosen = json::array();
  for (const json& node : nodes) {
    const std::string name = text_field(node, "node");
    if (std::find(wanted->names.begin(), wanted->names.end(), name) != wanted->names.end()) chosen.push_back(node);
  }
  return chosen;
}

}  // namespace bramble::cli
