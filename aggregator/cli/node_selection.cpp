#include "aggregator/cli/node_selection.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "common/base/nearest.hpp"
#include "common/base/node_set.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

constexpr const char* kShowsAll = " (bramble node list shows all)";

std::vector<std::string> names_of(const json& nodes) {
  std::vector<std::string> names;
  for (const json& node : nodes) names.push_back(text_field(node, "node"));
  return names;
}

bool is_in(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The one that was meant, where one can be told; of a range, or beside the one that is near, that is no help.
std::string unknown_text(const std::vector<std::string>& missing, const NodeSet& wanted,
                         const std::vector<std::string>& known) {
  const auto near = nearest(missing.front(), known);
  if (missing.size() == 1 && !(near && is_in(wanted.names, *near))) return unknown("node", missing.front(), known);
  return (missing.size() == 1 ? "unknown node " : "unknown nodes ") + fold_node_set(missing) +
         (known.empty() ? "" : "; there are " + fold_node_set(known));
}

}  // namespace

Result<NodeSet> parse_wanted_nodes(const std::string& set) {
  auto wanted = parse_node_set(set);
  if (!wanted) return wanted;
  if (!wanted->groups.empty()) return fail("there are no groups of nodes yet: name the nodes, as in pi[01-04]");
  return wanted;
}

std::vector<std::string> unknown_names(const json& nodes, const NodeSet& wanted) {
  const std::vector<std::string> known = names_of(nodes);
  const std::set<std::string> index(known.begin(), known.end());
  std::vector<std::string> missing;
  for (const std::string& name : wanted.names) {
    if (!index.contains(name)) missing.push_back(name);
  }
  return missing;
}

std::string unknown_nodes(const json& nodes, const NodeSet& wanted) {
  const std::vector<std::string> missing = unknown_names(nodes, wanted);
  return missing.empty() ? "" : unknown_text(missing, wanted, names_of(nodes));
}

Error naming_unknown(Api& api, const std::string& set, Error error) {
  if (error.code != ErrorCode::not_found || set.empty()) return error;
  const auto wanted = parse_wanted_nodes(set);
  const auto status = api.get("/api/v1/power");
  if (!wanted || !status || !status->is_object() || !status->value("nodes", json()).is_array()) return error;
  if (const std::string all = unknown_nodes((*status)["nodes"], *wanted); !all.empty()) error.message = all + kShowsAll;
  return error;
}

Result<json> all_nodes(Api& api) {
  auto nodes = api.get("/api/v1/nodes");
  if (nodes && !nodes->is_array()) return fail(ErrorCode::corrupt, "the aggregator's list of nodes is not understood");
  return nodes;
}

Result<json> choose_nodes(const json& nodes, const std::string& set) {
  if (set.empty()) return nodes;
  const auto wanted = parse_wanted_nodes(set);
  if (!wanted) return tl::unexpected(wanted.error());
  if (wanted->all) return nodes;
  if (const std::string none = unknown_nodes(nodes, *wanted); !none.empty()) {
    return fail(ErrorCode::not_found, none + kShowsAll);
  }
  json chosen = json::array();
  for (const json& node : nodes) {
    const std::string name = text_field(node, "node");
    if (is_in(wanted->names, name)) chosen.push_back(node);
  }
  return chosen;
}

}  // namespace bramble::cli
