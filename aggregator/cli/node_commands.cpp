#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "aggregator/cli/commands.hpp"
#include "aggregator/cli/exit_status.hpp"
#include "aggregator/cli/job_selection.hpp"
#include "aggregator/cli/node_selection.hpp"
#include "aggregator/cli/views.hpp"
#include "common/base/node_set.hpp"

namespace bramble::cli {
namespace {

using nlohmann::json;

Result<json> chosen_nodes(const Session& session, const std::string& set) {
  Api api = session.connect();
  const auto nodes = all_nodes(api);
  if (!nodes) return nodes;
  say_troubles(api, session.console);
  return choose_nodes(*nodes, set);
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
  if (!reply) return tl::unexpected(naming_unknown(api, command.nodes, reply.error()));
  const json nodes = reply->value("nodes", json::array());
  if (session.common.json) return printed(session, nodes.dump() + "\n");
  return printed(session,
                 fmt::format("{} {}\n", command.drain ? "draining" : "resumed", fold_node_set(texts_in(nodes))));
}

}  // namespace bramble::cli
