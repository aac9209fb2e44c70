#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/exit_status.hpp"
#include "aggregator/cli/job_selection.hpp"
#include "aggregator/cli/views.hpp"
#include "common/base/nearest.hpp"
#include "common/base/node_set.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

Result<json> all_nodes(Api& api) {
  auto nodes = api.get("/api/v1/nodes");
  if (nodes && !nodes->is_array()) return fail(ErrorCode::corrupt, "the aggregator's list of nodes is not understood");
  return nodes;
}

std::vector<std::string> names_of(const json& nodes) {
  std::vector<std::string> names;
  for (const json& node : nodes) names.push_back(text_field(node, "node"));
  return names;
}

// The named nodes, in the order of the aggregator's list; a name that no node has is an error.
Result<json> choose(const json& nodes, const std::string& set) {
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

Result<json> chosen_nodes(const Session& session, const std::string& set) {
  Api api = session.connect();
  const auto nodes = all_nodes(api);
  if (!nodes) return nodes;
  say_troubles(api, session.console);
  return choose(*nodes, set);
}

}  // namespace

Result<int> node_list(const Session& session, const NodeListCommand& command) {
  const auto nodes = chosen_nodes(session, command.nodes);
  if (!nodes) return tl::unexpected(nodes.error());
  if (session.common.json) return printed(session, nodes->dump() + "\n");
  return printed(session, node_table(*nodes).render(session.console.columns()));
}

Result<int> node_info(const Session& session, const NodeInfoCommand& command) {
  const auto nodes = chosen_nodes(session, command.nodes);
  if (!nodes) return tl::unexpected(nodes.error());
  if (session.common.json) return printed(session, nodes->dump() + "\n");
  std::string text;
  for (const json& node : *nodes) text += node_details(node);
  return printed(session, text);
}

Result<int> node_drain(const Session& session, const NodeDrainCommand& command) {
  Api api = session.connect();
  json body = {{"nodes", command.nodes}};
  if (!command.reason.empty()) body["reason"] = command.reason;
  const auto reply = api.post(command.drain ? "/api/v1/nodes/drain" : "/api/v1/nodes/resume", body);
  if (!reply) return tl::unexpected(reply.error());
  const json nodes = reply->value("nodes", json::array());
  if (session.common.json) return printed(session, nodes.dump() + "\n");
  std::vector<std::string> names;
  for (const json& node : nodes) names.push_back(node.is_string() ? node.get<std::string>() : text_field(node, "node"));
  return printed(session, fmt::format("{} {}\n", command.drain ? "draining" : "resumed", fold_node_set(names)));
}

}  // namespace bramble::cli
